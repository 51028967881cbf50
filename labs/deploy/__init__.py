"""The lab of CI/CD: a change to the chat service from its tests to a canary, and a bad change that is taken back by itself."""
