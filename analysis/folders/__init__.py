"""One results folder beside another; what a foreign folder says is checked, never believed."""
