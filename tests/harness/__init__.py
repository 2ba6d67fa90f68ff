"""What the tests of the running program share: places, owners, clients, raw protocol. No test lives here."""
