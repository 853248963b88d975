"""The standing trial: attacks and faults against real servers, as one table: `make trial`."""
