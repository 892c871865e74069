// SPDX-License-Identifier: MIT
#include <mailwire/line_scan.hpp>

#include <doctest/doctest.h>

#include <random>
#include <string>

namespace {

// The rules, octet by octet.
bool is_irregular(char before, char octet, bool crlf) {
  return octet == '.' ? before == '\n' : octet == '\n' && crlf && before != '\r';
}
std::size_t first_irregular(const std::string& text, std::size_t from, bool crlf) {
  while (from < text.size() && !is_irregular(text[from - 1], text[from], crlf)) ++from;
  return from;
}
std::string repaired(const std::string& text, std::size_t from, std::size_t end, bool crlf) {
  std::string out;
  for (; from < end; ++from) {
    if (is_irregular(text[from - 1], text[from], crlf)) out += text[from] == '.' ? '.' : '\r';
    out += text[from];
  }
  return out;
}

// Lines of about `length` octets, with all that is odd about line ends; the first octet is only looked at.
std::string text_of(std::mt19937& random, std::size_t size, std::size_t length) {
  std::string text;
  while (text.size() < size) {
    if (random() % length != 0)
      text += "ab\x80\xff"[random() % 4];
    else
      text += "\r\n..\n\r"[random() % 6];
  }
  return text;
}

template <class Scan>
void check(const std::string& text, bool crlf) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  CAPTURE(text);
  CAPTURE(crlf);
  CHECK(Scan::find(begin + 1, end, crlf) - begin == static_cast<std::ptrdiff_t>(first_irregular(text, 1, crlf)));

  const std::size_t lf = text.find('\n', 1);
  const char* const found = Scan::find_lf(begin + 1, end);
  CHECK((lf == text.npos ? found == nullptr : found == begin + lf));

  std::size_t bare = 0;
  for (std::size_t i = 1; i < text.size(); ++i) bare += is_irregular(text[i - 1], text[i], true) && text[i] == '\n';
  CHECK(Scan::count_bare_lf(begin + 1, end) == bare);

  for (const std::size_t room : {std::size_t{1}, text.size() / 2, text.size(), 2 * text.size()}) {
    std::string out(room + 8, '#');
    const mailwire::LineCopy at = Scan::copy(begin + 1, end, crlf, out.data(), out.data() + room);
    const auto taken = static_cast<std::size_t>(at.in - begin);
    const auto written = static_cast<std::size_t>(at.out - out.data());
    CAPTURE(room);
    CHECK(taken >= 1);
    CHECK(taken <= text.size());
    CHECK(out.substr(0, written) == repaired(text, 1, taken, crlf));
    CHECK(out.substr(room) == "########");  // nothing is written behind the room
    CHECK((taken == text.size() || room - written <= 2));
    std::size_t crs = 0;  // what else was put in are dots
    for (std::size_t i = 1; i < taken; ++i) crs += is_irregular(text[i - 1], text[i], crlf) && text[i] == '\n';
    CHECK(at.crs == crs);
  }
}

}  // namespace

TEST_CASE_TEMPLATE("R11 R13: irregular octets are found, counted and mended, wherever they lie", Scan,
                   mailwire::PortableLineScan, mailwire::LineScan) {
  std::mt19937 random(1);
  for (std::size_t size = 1; size <= 150; ++size)
    for (const std::size_t length : {std::size_t{2}, std::size_t{8}, std::size_t{40}, std::size_t{1000}})
      for (const bool crlf : {true, false}) check<Scan>(text_of(random, size, length), crlf);
}

TEST_CASE_TEMPLATE("every place in a block of sixteen and every place of the block in memory", Scan,
                   mailwire::PortableLineScan, mailwire::LineScan) {
  const std::string_view odd[] = {"\n", "\r\n", "\n.", "\r\n.", ".", "\r", "\n\n", "\r\r\n"};
  for (std::size_t lead = 1; lead <= 34; ++lead) {
    for (const std::string_view middle : odd) {
      std::string text(lead, 'x');
      text += middle;
      for (; text.size() < 70; text += 'y') {
        check<Scan>(text, true);
        check<Scan>(text, false);
      }
    }
  }
}

TEST_CASE_TEMPLATE("more bare LFs than a block can count", Scan, mailwire::PortableLineScan, mailwire::LineScan) {
  const std::string text(10'001, '\n');
  CHECK(Scan::count_bare_lf(text.data() + 1, text.data() + text.size()) == 10'000);
}

TEST_CASE_TEMPLATE("a dot at the very start of what is copied, behind an LF and behind something else", Scan,
                   mailwire::PortableLineScan, mailwire::LineScan) {
  for (std::size_t size = 0; size <= 70; ++size) {
    for (const char* const start : {"\n.", "x."}) {
      check<Scan>(start + std::string(size, 'y'), true);
      check<Scan>(start + std::string(size, 'y'), false);
    }
  }
}
