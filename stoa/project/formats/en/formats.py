"""Times of the admin are UTC and to the second: one compares them with log lines."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i:s"
