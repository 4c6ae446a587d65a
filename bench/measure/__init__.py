"""What a method costs: operations, parameters, time, memory."""
