"""The storage class of the platform."""
