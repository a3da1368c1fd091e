"""Who answers: people, schedules, ladders, and one function that never returns nobody."""
