"""Hypothesis strategies shared by several test modules."""

from hypothesis import strategies as st

from app.domain.items import Item

IDS = [f"i{number}" for number in range(9)]
WEIGHT = st.floats(-1, 1).map(lambda value: round(value, 3))
ROWS = st.dictionaries(st.sampled_from(IDS[:4]), st.dictionaries(st.sampled_from(IDS), WEIGHT, max_size=6), max_size=4)
DESCRIBED_ITEMS = st.lists(
    st.builds(
        Item,
        st.just("i"),
        st.sampled_from([None, "red mug", "blue mug", "red hat", "green hat and scarf"]),
        st.lists(st.sampled_from(["kitchen", "clothes"]), max_size=2).map(tuple),
        st.fixed_dictionaries({}, optional={"brand": st.sampled_from(["acme", "best"]), "price": st.integers(0, 9)}),
    ),
    min_size=1,
    max_size=9,
)
