from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from app.domain.items import Item
from app.recommender import content
from app.recommender.content import LEAST_COSINE, NewItems
from app.recommender.fit.content import inverse_frequencies, tf_idf
from tests.support.strategies import DESCRIBED_ITEMS


class TestTerms:
    def test_terms_come_from_texts_categories_and_named_values_but_not_from_numbers(self) -> None:
        item = Item(
            "i", "Red Mug", ("kitchen",), {"brand": "Acme", "price": 4, "gift": True, "for": {"who": ["you two"]}}
        )

        terms = set(content.terms(item))

        assert terms == {"category:kitchen", "red", "mug", "acme", "gift:True", "you", "two", "for:who:you two"}

    @pytest.mark.parametrize(
        "address",
        [
            "https://cdn.shop.example/a/red-mug.jpg?w=200",
            "/pictures/red-mug.svg",
            "data:image/png;base64,aGVsbG8gd29ybGQ",
        ],
    )
    def test_an_address_says_nothing_about_an_item(self, address: str) -> None:
        item = Item("i", "Red Mug", (), {"image_url": address, "more": [address], "text": "see /pictures of it"})

        assert set(content.terms(item)) == {"red", "mug", "see", "pictures", "of", "it", "text:see pictures of it"}


class TestNewItems:
    @given(DESCRIBED_ITEMS)
    def test_similarities_of_new_items_equal_the_cosines_of_training(self, items: list[Item]) -> None:
        items = [replace(item, item_id=f"i{number}") for number, item in enumerate(items)]
        vectors = tf_idf(items)
        cosines = (vectors @ vectors.T).toarray()
        shared = {term: value for term, value in inverse_frequencies(items) if value < np.log(len(items)) - 1e-9}

        near = NewItems(items, shared).near(items[0])

        expected = {f"i{n}": cosines[0, n] for n in range(1, len(items)) if cosines[0, n] >= LEAST_COSINE + 1e-6}
        assert near.keys() >= expected.keys()
        assert {name: near[name] for name in expected} == pytest.approx(expected, abs=1e-5)
