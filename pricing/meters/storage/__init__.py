"""What keeps data and costs: volumes, however they are asked for, databases and logs."""
