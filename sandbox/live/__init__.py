"""What the live sandbox really runs: containers of this machine's engine, in place of records that only say so."""
