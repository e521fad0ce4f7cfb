"""What turns records into tables and verdicts; it trains, times and schedules nothing."""
