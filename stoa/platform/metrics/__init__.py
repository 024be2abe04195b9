"""What is counted: requests, probes, connections, deliveries, sweeps and tasks. Off, nothing of it is installed."""
