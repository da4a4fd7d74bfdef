"""Outages that are too long for every run: half a minute, and one that outlasts every back-off."""

from test_survival import control_plane_gone


def test_the_control_plane_is_gone_for_half_a_minute(world):
    control_plane_gone(world, 30)


def test_the_control_plane_is_gone_for_longer_than_any_back_off(world):
    control_plane_gone(world, 90)
