"""A short run of `make trial`, without times: other tests share the machine."""

from tests.trial.__main__ import SHORT, SHORT_KILLS, name, run


def test_nothing_that_a_short_trial_tries_breaks_the_server() -> None:
    records = run(SHORT, is_short=True, kills=SHORT_KILLS)

    broken = {
        name(attack): (record.faults, record.lost, record.doubled, record.large, record.notes)
        for attack, record in records.items()
        if record.faults or record.lost or record.doubled or record.large
    }
    assert broken == {}
    assert all(record.tried for record in records.values())
