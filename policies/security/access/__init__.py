"""What IAM policies mean: documents, the reach of their actions and resources, conditions, and whom they trust."""
