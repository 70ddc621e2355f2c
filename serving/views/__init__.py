"""What serving keeps in memory of state and topics: views that can be thrown away and made anew."""
