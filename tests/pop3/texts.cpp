// SPDX-License-Identifier: MIT
#include <pop3/texts.hpp>

#include <doctest/doctest.h>

#include <mailwire/ascii.hpp>

#include <set>
#include <string>

namespace {

using pop3::Text;

constexpr Text nth(std::size_t i) { return static_cast<Text>(i); }

}  // namespace

TEST_CASE("R7 R91: the texts of our own are short printable ASCII and look like no response code") {
  std::set<std::string> all;
  for (std::size_t i = 0; i < pop3::text_count; ++i) {
    const std::string text(pop3::default_text(nth(i)));
    CAPTURE(text);
    CHECK_FALSE(text.empty());
    CHECK(text.size() < 80);
    CHECK(mailwire::all_of(text, mailwire::is_text));
    CHECK(text.find_first_of("[]<>") == text.npos);
    CHECK(all.insert(text).second);  // each says something else
  }
  CHECK(pop3::default_text(nth(pop3::text_count)).empty());
}

TEST_CASE("places for numbers are those that are filled in: {1} and {2}, and nothing else in braces") {
  std::string with_places;
  for (std::size_t i = 0; i < pop3::text_count; ++i) {
    std::string text(pop3::default_text(nth(i)));
    bool one = false, two = false;
    for (std::size_t at = 0; (at = text.find('{', at)) != text.npos; ++at) {
      one = one || text.compare(at, 3, "{1}") == 0;
      two = two || text.compare(at, 3, "{2}") == 0;
      CHECK((text.compare(at, 3, "{1}") == 0 || text.compare(at, 3, "{2}") == 0));
    }
    if (one || two) with_places += std::to_string(i) + (one ? "a" : "") + (two ? "b " : " ");
  }
  const auto number = [](Text text) { return std::to_string(static_cast<std::size_t>(text)); };
  CHECK(with_places == number(Text::opened_one) + "b " + number(Text::opened) + "ab " + number(Text::octets) + "a " +
                           number(Text::partly_removed) + "ab ");
}

TEST_CASE("a text that was replaced is said, an empty one means the default, and no other text changes") {
  for (std::size_t i = 0; i < pop3::text_count; ++i) {
    pop3::Texts texts;
    texts[nth(i)] = "else";
    for (std::size_t k = 0; k < pop3::text_count; ++k)
      CHECK(std::string(texts.get(nth(k))) == (k == i ? "else" : std::string(pop3::default_text(nth(k)))));
    const pop3::Texts& same = texts;
    CHECK(same[nth(i)] == "else");
    texts[nth(i)].clear();
    CHECK(texts.get(nth(i)) == pop3::default_text(nth(i)));
  }
}

TEST_CASE("a language begins without texts of its own") {
  const pop3::Language language{"de", "Deutsch"};
  for (std::size_t i = 0; i < pop3::text_count; ++i) CHECK(language.texts[nth(i)].empty());
}
