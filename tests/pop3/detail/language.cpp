// SPDX-License-Identifier: MIT
#include <pop3/detail/language.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

namespace detail = pop3::detail;
using pop3::Language;

std::vector<Language> languages(const std::vector<std::string>& tags) {
  std::vector<Language> list;
  for (const std::string& tag : tags) list.push_back({tag, "", {}});
  return list;
}
// The tag that is found; "-" = none.
std::string found(const std::vector<Language>& list, const std::string& range) {
  const std::uint32_t number = detail::find_language(list, range);
  return number == 0 ? "-" : list[number - 1].tag;
}

struct Match {
  const char *range, *tag;
};

}  // namespace

TEST_CASE("R224: what is a language range: words of 1 to 8, the first of letters only (RFC 4647, 2.1)") {
  for (const char* good : {"d", "de", "DE", "zh-Hant-CN-x-private", "de-1996", "i-klingon", "abcdefgh", "de-abcdefgh",
                           "sl-rozaj-biske-1994", "x-a", "de-4"}) {
    CAPTURE(good);
    CHECK(detail::is_language_range(good));
  }
  for (const std::string& bad : {std::string(),
                                 std::string("-"),
                                 std::string("de-"),
                                 std::string("-de"),
                                 std::string("de--CH"),
                                 std::string("abcdefghi"),
                                 std::string("de-abcdefghi"),
                                 std::string("1"),
                                 std::string("d1"),
                                 std::string("*"),
                                 std::string("de-*"),
                                 std::string("de_CH"),
                                 std::string("de CH"),
                                 std::string("d\xC3\xA9"),
                                 std::string("@"),
                                 std::string("["),
                                 std::string("`"),
                                 std::string("{"),
                                 std::string("de-/"),
                                 std::string("de-:"),
                                 std::string("de\0", 3)}) {
    CAPTURE(bad);
    CHECK_FALSE(detail::is_language_range(bad));
  }
}

TEST_CASE("R224: a range matches itself and what begins with it and a hyphen (RFC 4647, 3.3.1)") {
  // The table of RFC 4647, 3.3.1: "de-de" matches "de-DE-1996", not "de-Deva" nor "de-Latn-DE".
  CHECK(detail::matches_range("de-de", "de-DE-1996"));
  CHECK_FALSE(detail::matches_range("de-de", "de-Deva"));
  CHECK_FALSE(detail::matches_range("de-de", "de-Latn-DE"));
  CHECK(detail::matches_range("de", "de"));
  CHECK(detail::matches_range("DE", "de-ch"));
  CHECK_FALSE(detail::matches_range("de", "deu"));
  CHECK_FALSE(detail::matches_range("de-ch", "de"));
  CHECK_FALSE(detail::matches_range("en", "de"));
}

TEST_CASE("R224: the first language of all may be the one that fits, and only because it is more special") {
  CHECK(found(languages({"de-CH"}), "de") == "de-CH");
  CHECK(found(languages({"de-CH", "de-AT"}), "de") == "de-CH");
  CHECK(found(languages({"de-Latn-CH", "de"}), "de-Latn") == "de-Latn-CH");
}

TEST_CASE("R224: how a range becomes less specific (RFC 4647, 3.4)") {
  const auto steps = [](std::string_view range) {
    std::string all(range);
    while (!(range = detail::less_specific(range)).empty()) all += ' ' + std::string(range);
    return all;
  };
  // The example of RFC 4647, 3.4.
  CHECK(steps("zh-Hant-CN-x-private1-private2") ==
        "zh-Hant-CN-x-private1-private2 zh-Hant-CN-x-private1 zh-Hant-CN zh-Hant zh");
  CHECK(steps("de") == "de");
  CHECK(steps("de-Latn-AT") == "de-Latn-AT de-Latn de");
  CHECK(steps("de-a-bb") == "de-a-bb de");
  CHECK(steps("i-klingon") == "i-klingon i");
  CHECK(steps("de-u-v-x-y") == "de-u-v-x-y de-u-v de");
  CHECK(detail::less_specific("").empty());
}

TEST_CASE("R224 R226: the language that fits best: the very tag, then one below it, then the same for less specific") {
  const auto list = languages({"en", "de", "de-CH", "pt-BR", "zh-Hant-TW", "fr-Latn-CA", "fr", "sr-Latn"});
  static constexpr Match cases[] = {
      {"en", "en"},
      {"EN", "en"},
      {"en-GB", "en"},
      {"en-GB-oxendict", "en"},
      {"de", "de"},
      {"de-CH", "de-CH"},
      {"de-ch-1996", "de-CH"},
      {"de-AT", "de"},
      {"pt", "pt-BR"},
      {"pt-PT", "pt-BR"},
      {"zh", "zh-Hant-TW"},
      {"zh-Hant", "zh-Hant-TW"},
      {"zh-Hans", "zh-Hant-TW"},
      {"fr", "fr"},
      {"fr-CA", "fr"},
      {"fr-Latn", "fr-Latn-CA"},
      {"sr", "sr-Latn"},
      {"sr-Cyrl-RS", "sr-Latn"},
      {"it", "-"},
      {"e", "-"},
      {"den", "-"},
      {"d", "-"},
      {"", "-"},
      {"*", "-"},
      {"de-", "-"},
      {"-de", "-"},
      {"de--CH", "-"},
      {"en GB", "-"},
      {"abcdefghi", "-"},
      {"i-default", "-"},
  };
  for (const Match& c : cases) {
    CAPTURE(c.range);
    CHECK(found(list, c.range) == c.tag);
  }
  CHECK(found({}, "en") == "-");
  // Of several below one range it is the first, and a tag that is none is never found.
  CHECK(found(languages({"", "*", "en-US", "en-GB"}), "en") == "en-US");
  CHECK(found(languages({"", "*", "x y"}), "en") == "-");
}
