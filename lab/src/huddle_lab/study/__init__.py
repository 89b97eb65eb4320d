"""What is to be measured: studies, scenarios, trials."""
