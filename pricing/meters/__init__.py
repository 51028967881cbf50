"""What each kind of resource costs, as line items."""
