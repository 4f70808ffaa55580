"""What the application stands on and its developer need not open: plumbing, with tests of its own."""
