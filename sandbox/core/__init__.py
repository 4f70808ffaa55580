"""What all services of the sandbox share: wire, gateway, clock, faults, access, control."""
