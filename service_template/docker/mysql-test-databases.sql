-- Run once, when MySQL sets its data up: tests make and drop databases of their own, and touch no other.
GRANT ALL PRIVILEGES ON `test\_%`.* TO 'app'@'%';
