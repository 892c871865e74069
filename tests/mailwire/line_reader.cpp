// SPDX-License-Identifier: MIT
#include <mailwire/line_reader.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "harness.hpp"  // visible()

namespace {

using mailwire::LineLimits;
using mailwire::LineReader;
using Status = LineReader::Status;
using Lines = std::vector<std::string>;
using tests::visible;

constexpr const char* too_long = "(too long)";
constexpr const char* hopeless = "(hopeless)";

LineLimits limits(std::size_t line, std::size_t give_up = 0, bool bare_lf = false, std::size_t block = 0) {
  LineLimits l;
  l.line = line;
  l.block = block;
  l.give_up = give_up;
  l.bare_lf = bare_lf;
  return l;
}

// Reads like a session does: what has come is cut into lines before more is read, and the hopeless case is the end.
class Reading {
 public:
  // A line that begins with "A " may have `longer` octets.
  explicit Reading(LineLimits limits, std::size_t longer = 0) : limits_(limits), longer_(longer) {}

  void feed(std::string_view octets) {
    while (!octets.empty() && !over_) {
      const mailwire::MutableBuffer room = reader_.room(now());
      if (room.size == 0) {
        lines.push_back("(stuck)");
        return;
      }
      const std::size_t n = std::min(room.size, octets.size());
      std::memcpy(room.data, octets.data(), n);
      reader_.commit(n);
      octets.remove_prefix(n);
      take();
    }
  }

  void clear() { reader_.clear(); }

  Lines lines;

 private:
  LineLimits now() const {
    LineLimits l = limits_;
    if (longer_ > 0 && reader_.unread_line().substr(0, 2) == "A ") l.line = longer_;
    return l;
  }
  void take() {
    for (;;) {
      const LineReader::Result result = reader_.next(now());
      if (result.status == Status::more) return;
      lines.push_back(result.status == Status::line ? std::string(result.line) : too_long);
      over_ = result.status == Status::too_long && reader_.hopeless();
      if (over_) lines.push_back(hopeless);
      if (over_) return;
    }
  }

  LineLimits limits_;
  std::size_t longer_;
  LineReader reader_;
  bool over_ = false;
};

Lines read(std::string_view octets, std::size_t first, std::size_t size, LineLimits l, std::size_t longer = 0) {
  Reading reading(l, longer);
  reading.feed(octets.substr(0, first));
  for (std::size_t at = first; at < octets.size(); at += size) reading.feed(octets.substr(at, size));
  return reading.lines;
}

// The same from all octets at once, without a block and without a state.
Lines expected(std::string_view octets, LineLimits l, std::size_t longer = 0) {
  Lines lines;
  std::size_t start = 0;
  const auto most = [&] { return longer > 0 && octets.substr(start, 2) == "A " ? longer : l.line; };
  const auto add_long = [&](bool give_up) {
    lines.push_back(too_long);
    if (give_up) lines.push_back(hopeless);
    return give_up;
  };
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const bool crlf = octets[i] == '\n' && i > start && octets[i - 1] == '\r';
    if (!crlf && !(l.bare_lf && octets[i] == '\n')) continue;
    const std::size_t size = i + 1 - start;
    if (size <= most())
      lines.push_back(std::string(octets.substr(start, size - (crlf ? 2 : 1))));
    else if (add_long(l.give_up > 0 && size > l.give_up))
      return lines;
    start = i + 1;
  }
  if (l.give_up > 0 && octets.size() - start >= std::max(l.give_up, most())) add_long(true);
  return lines;
}

std::string text(const Lines& lines) {
  std::string all;
  for (const std::string& line : lines) all += '"' + visible(line) + "\" ";
  return all;
}

// How a reader takes these octets, for every way to cut them in two and octet by octet: the first way that differs
// from `wanted`.
std::string first_difference(const std::string& octets, LineLimits l, const Lines& wanted, std::size_t longer = 0) {
  for (const std::size_t size : {std::size_t{1}, octets.size() + 1}) {
    for (std::size_t first = 0; first <= octets.size(); ++first) {
      const Lines got = read(octets, first, size, l, longer);
      if (got != wanted)
        return visible(octets) + " cut at " + std::to_string(first) + ": " + text(got) + "not " + text(wanted);
    }
  }
  return "";
}

struct Split {
  const char* octets;
  Lines strict, lenient;  // with bare_lf
};

}  // namespace

TEST_CASE("R2 F-PE1 F-PE2: lines end at CRLF and only there, however they come, a bare LF ends one only on demand") {
  const std::vector<Split> cases = {
      {"", {}, {}},
      {"NOOP", {}, {}},
      {"NOOP\r", {}, {}},
      {"NOOP\r\n", {"NOOP"}, {"NOOP"}},
      {"\r\n", {""}, {""}},
      {"\r\n\r\n", {"", ""}, {"", ""}},
      {"a\r\nb\r\nc", {"a", "b"}, {"a", "b"}},
      {"a\n", {}, {"a"}},
      {"a\nb\r\n", {"a\nb"}, {"a", "b"}},
      {"\n", {}, {""}},
      {"\n\r\n", {"\n"}, {"", ""}},
      {"a\rb\r\n", {"a\rb"}, {"a\rb"}},
      {"a\r\r\n", {"a\r"}, {"a\r"}},
      {"\r\r\n", {"\r"}, {"\r"}},
      {"a\r\n\nb\r\n", {"a", "\nb"}, {"a", "", "b"}},
      {"a\r\n\r", {"a"}, {"a"}},
      {"\r\n\n", {""}, {"", ""}},
  };
  for (const Split& c : cases) {
    const std::string octets = c.octets;
    CAPTURE(visible(octets));
    CHECK(first_difference(octets, limits(512), c.strict) == "");
    CHECK(first_difference(octets, limits(512, 0, true), c.lenient) == "");
    CHECK(text(expected(octets, limits(512))) == text(c.strict));
    CHECK(text(expected(octets, limits(512, 0, true))) == text(c.lenient));
  }
  const std::string nul("a\0b\r\n", 5);
  CHECK(first_difference(nul, limits(512), {std::string("a\0b", 3)}) == "");
}

TEST_CASE("R2: every short input, with every cut, small limits of all kinds") {
  std::vector<std::string> inputs = {""};
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].size() < 8)
      for (const char c : {'\r', '\n', 'a'}) inputs.push_back(inputs[i] + c);
  CHECK(inputs.size() == 9841);
  for (const LineLimits l : {limits(3), limits(4, 6), limits(4, 6, true), limits(3, 4, false, 5), limits(5, 5, true),
                             limits(6, 3), limits(2, 0, true, 3)}) {
    CAPTURE(l.line);
    CAPTURE(l.give_up);
    CAPTURE(l.bare_lf);
    std::string wrong;
    for (const std::string& octets : inputs)
      if (wrong.empty()) wrong = first_difference(octets, l, expected(octets, l));
    CHECK(wrong == "");
  }
}

TEST_CASE("R88 F-DOS: a line of the limit is taken, one octet more is one refusal, and the next line is itself again") {
  for (const std::size_t line : {255U, 512U}) {
    for (const std::size_t block : {0U, 512U, 600U, 1024U, 4096U}) {
      CAPTURE(line);
      CAPTURE(block);
      for (const bool bare : {false, true}) {
        const LineLimits l = limits(line, 0, bare, block);
        const std::string most(line - 2, 'x');
        CHECK(first_difference(most + "\r\nb\r\n", l, {most, "b"}) == "");
        CHECK(first_difference(most + "x\r\nb\r\n", l, {too_long, "b"}) == "");
      }
      // What is skipped may be as long as it likes, and may look like anything.
      const std::string skipped = std::string(3 * line, 'x') + "\nQUIT\n\r" + std::string(line - 1, 'y');
      CHECK(text(read("a\r\n" + skipped + "\r\nb\r\n", 0, 1, limits(line, 0, false, block))) ==
            text({"a", too_long, "b"}));
      CHECK(text(read("a\r\n" + skipped + "\r\nb\r\n", 0, 300, limits(line, 0, false, block))) ==
            text({"a", too_long, "b"}));
    }
  }
}

TEST_CASE("F-DOS: give_up octets without an end are hopeless, a line that ends with exactly so many is only too long") {
  const LineLimits l = limits(16, 100);
  for (const std::size_t size : {1U, 7U, 16U, 1000U}) {
    CAPTURE(size);
    CHECK(text(read(std::string(98, 'x') + "\r\nb\r\n", 0, size, l)) == text({too_long, "b"}));
    CHECK(text(read(std::string(99, 'x') + "\r\nb\r\n", 0, size, l)) == text({too_long, hopeless}));
    CHECK(text(read(std::string(99, 'x'), 0, size, l)) == text({}));
    CHECK(text(read(std::string(100, 'x'), 0, size, l)) == text({too_long, hopeless}));
    CHECK(text(read(std::string(100'000, 'x'), 0, size, limits(16))) == text({}));  // for ever
    CHECK(text(read(std::string(100'000, 'x') + "\r\nb\r\n", 0, size, limits(16))) == text({too_long, "b"}));
  }
}

TEST_CASE("statuses one by one") {
  const LineLimits l = limits(8, 20, false, 8);
  LineReader reader;
  CHECK(reader.next(l).status == Status::more);
  CHECK(reader.has_room(l));
  CHECK(reader.unread().empty());
  const auto feed = [&](std::string_view octets) {
    const mailwire::MutableBuffer room = reader.room(l);
    REQUIRE(room.size >= octets.size());
    std::memcpy(room.data, octets.data(), octets.size());
    CHECK(reader.commit(octets.size()) == octets.size());
  };
  feed("abc\r\nde");
  CHECK(std::string(reader.unread()) == "abc\r\nde");
  LineReader::Result result = reader.next(l);
  CHECK(result.status == Status::line);
  CHECK(std::string(result.line) == "abc");
  CHECK(std::string(reader.unread()) == "de");
  CHECK(reader.next(l).status == Status::more);
  CHECK(reader.next(l).status == Status::more);
  feed("fghi");
  CHECK(reader.next(l).status == Status::more);
  feed("jk");  // eight octets and no end: they are dropped
  CHECK(reader.next(l).status == Status::more);
  CHECK(reader.unread().empty());
  feed("\r\nz\r\n");
  CHECK(reader.next(l).status == Status::too_long);
  CHECK_FALSE(reader.hopeless());
  result = reader.next(l);
  CHECK(result.status == Status::line);
  CHECK(std::string(result.line) == "z");
  reader.clear();
  feed("half");
  reader.clear();
  CHECK(reader.unread().empty());
  feed("x\r\n");
  CHECK(std::string(reader.next(l).line) == "x");
}

TEST_CASE("a full block has no room, until a line is taken out of it") {
  const LineLimits l = limits(8, 0, false, 8);
  LineReader reader;
  std::memcpy(reader.room(l).data, "a\r\nb\r\ncd", 8);
  reader.commit(8);
  CHECK_FALSE(reader.has_room(l));
  CHECK(reader.room(l).size == 0);
  CHECK(std::string(reader.next(l).line) == "a");
  CHECK(reader.has_room(l));
  const mailwire::MutableBuffer room = reader.room(l);
  CHECK(room.size == 3);
  std::memcpy(room.data, "\r\n", 2);
  reader.commit(2);
  CHECK(std::string(reader.next(l).line) == "b");
  CHECK(std::string(reader.next(l).line) == "cd");
  CHECK(reader.next(l).status == Status::more);
}

TEST_CASE("the block holds at least a line, whatever it was set to") {
  const LineLimits l = limits(512, 0, false, 1);
  LineReader reader;
  CHECK(reader.room(l).size == 512);
}

TEST_CASE("the room handed out stays in place while lines are taken out, cleared and trimmed around it") {
  const LineLimits l = limits(32, 0, false, 64);
  LineReader reader;
  std::memcpy(reader.room(l).data, "one\r\ntwo\r\nhal", 13);
  reader.commit(13);
  const mailwire::MutableBuffer room = reader.room(l);
  const auto same_room = [&] {
    const mailwire::MutableBuffer again = reader.room(l);
    return again.data == room.data && again.size == room.size;
  };
  std::memset(room.data, '#', room.size);  // a read is under way
  CHECK(std::string(reader.next(l).line) == "one");
  CHECK(same_room());
  CHECK(std::string(reader.next(l).line) == "two");
  CHECK(reader.next(l).status == Status::more);
  CHECK(same_room());
  CHECK(reader.has_room(l));
  reader.trim();
  CHECK(same_room());
  std::memcpy(room.data, "f\r\n", 3);
  reader.commit(3);
  CHECK(std::string(reader.next(l).line) == "half");

  const mailwire::MutableBuffer other = reader.room(l);
  reader.clear();
  reader.trim();
  CHECK(reader.room(l).data == other.data);
  std::memcpy(other.data, "x\r\n", 3);  // a sanitizer would see that the block is gone
  reader.commit(3);
  CHECK(std::string(reader.next(l).line) == "x");
}

TEST_CASE("the room handed out stays in place when all else would move it: a block nearly full, and one taken empty") {
  const LineLimits l = limits(32, 0, false, 64);
  for (const bool rest : {false, true}) {
    LineReader reader;
    const std::string octets = std::string(28, 'a') + "\r\n" + std::string(18, 'b') + "\r\n" + (rest ? "cc" : "");
    std::memcpy(reader.room(l).data, octets.data(), octets.size());
    reader.commit(octets.size());
    const mailwire::MutableBuffer room = reader.room(l);
    CHECK(reader.next(l).line.size() == 28);
    CHECK(reader.next(l).line.size() == 18);
    CHECK(reader.room(l).data == room.data);
    std::memcpy(room.data, "d\r\n", 3);
    reader.commit(3);
    CHECK(std::string(reader.next(l).line) == (rest ? "ccd" : "d"));
    CHECK(reader.room(l).data < room.data);  // now it may
  }
}

TEST_CASE("clear forgets a line that is being skipped, and a CR") {
  const LineLimits l = limits(8, 20, false, 16);
  for (const char* before : {"123456789", "a\r", "12345678901234567"}) {
    Reading reading(l);
    reading.feed(before);
    reading.clear();
    reading.feed("\nx\r\n");
    CHECK(text(reading.lines) == text({"\nx"}));
  }
}

TEST_CASE("a read that was given up leaves everything as it was") {
  const LineLimits l = limits(32, 0, false, 64);
  LineReader reader;
  std::memcpy(reader.room(l).data, "ab", 2);
  reader.commit(2);
  for (int i = 0; i < 3; ++i) {
    std::memcpy(reader.room(l).data, "junk\r\n", 6);
    CHECK(reader.commit(0) == 0);
    CHECK(reader.next(l).status == Status::more);
  }
  CHECK(std::string(reader.unread()) == "ab");
}

TEST_CASE("F-DOS: every octet is looked at once, also when a line comes octet by octet") {
  // A line end is written over octets that were looked at: a reader that looked again would find it.
  const LineLimits l = limits(4096, 0, false, 8192);
  LineReader reader;
  for (std::size_t i = 0; i < 4094; ++i) {
    const mailwire::MutableBuffer room = reader.room(l);
    *room.data = 'x';
    reader.commit(1);
    if (reader.next(l).status != Status::more) FAIL("a second look at octet " << i - 2);
    if (i >= 2) room.data[-2] = '\r', room.data[-1] = '\n';
  }
  std::memcpy(reader.room(l).data, "\r\n", 2);
  reader.commit(2);
  const LineReader::Result result = reader.next(l);
  CHECK(result.status == Status::line);
  CHECK(result.line.size() == 4094);
}

TEST_CASE("F-LOG: wipe_line leaves nothing of the line that was taken out last, and nothing else is touched") {
  const LineLimits l = limits(64, 0, false, 128);
  LineReader reader;
  const std::string octets = "USER ann\r\nPASS secret\r\nSTAT\r\n";
  const mailwire::MutableBuffer room = reader.room(l);
  std::memcpy(room.data, octets.data(), octets.size());
  reader.commit(octets.size());
  reader.next(l);
  reader.next(l);
  reader.wipe_line();
  CHECK(visible({room.data, octets.size()}) == visible("USER ann\r\n" + std::string(13, '\0') + "STAT\r\n"));
  CHECK(std::string(reader.next(l).line) == "STAT");
  reader.wipe_line();
  CHECK(visible({room.data + 10, octets.size() - 10}) == visible(std::string(octets.size() - 10, '\0')));
}

TEST_CASE("F-LOG: octets that were moved, cleared or skipped leave no copy behind") {
  const LineLimits l = limits(16, 0, false, 32);
  const auto count = [](const char* block, char c) { return std::count(block, block + 32, c); };
  LineReader reader;
  const char* const block = reader.room(l).data;
  const auto feed = [&](std::string_view octets) {
    std::memcpy(reader.room(l).data, octets.data(), octets.size());
    reader.commit(octets.size());
  };
  std::memset(reader.room(l).data, '-', 32);
  feed("NOOP\r\nNOOP\r\nNOOP\r\nPASS ####");
  for (int i = 0; i < 3; ++i) reader.next(l);
  reader.next(l);
  feed("##\r\n");  // makes room by moving
  CHECK(std::string(reader.next(l).line) == "PASS ######");
  reader.wipe_line();
  CHECK(count(block, '#') == 0);
  feed("##");
  reader.clear();
  CHECK(count(block, '#') == 0);
  feed("################");  // no line any more
  CHECK(reader.next(l).status == Status::more);
  feed("\r\n");
  CHECK(reader.next(l).status == Status::too_long);
  reader.room(l);
  CHECK(count(block, '#') == 0);
}

TEST_CASE("trim gives the block back, but not with octets in it, and forgets no line that is being skipped") {
  const LineLimits l = limits(8, 0, false, 16);
  LineReader reader;
  reader.trim();
  std::memcpy(reader.room(l).data, "a\r\nb", 4);
  reader.commit(4);
  reader.next(l);
  reader.next(l);
  reader.trim();
  CHECK(std::string(reader.unread()) == "b");
  std::memcpy(reader.room(l).data, "xxxxxxxx", 8);
  reader.commit(8);
  CHECK(reader.next(l).status == Status::more);
  CHECK(reader.unread().data() != nullptr);
  reader.trim();
  CHECK(reader.unread().data() == nullptr);
  CHECK(reader.has_room(l));
  std::memcpy(reader.room(l).data, "\r", 1);
  reader.commit(1);
  CHECK(reader.next(l).status == Status::more);
  reader.trim();  // between CR and LF
  std::memcpy(reader.room(l).data, "\nc\r\n", 4);
  reader.commit(4);
  CHECK(reader.next(l).status == Status::too_long);
  CHECK(std::string(reader.next(l).line) == "c");
}

TEST_CASE("R190: the block grows for a longer line, with what was in it, and then holds no more than that line") {
  const LineLimits shorter = limits(8, 0, false, 16), longer = limits(100, 0, false, 16);
  for (const std::size_t step : {1U, 3U, 100U}) {
    CAPTURE(step);
    LineReader reader;
    const std::string line = "A " + std::string(96, 'x') + "\r\n";
    std::memcpy(reader.room(shorter).data, "a\r\n", 3);
    reader.commit(3);
    CHECK(std::string(reader.next(shorter).line) == "a");
    std::size_t at = 0;
    while (at < line.size()) {
      CHECK(reader.has_room(longer));
      const mailwire::MutableBuffer room = reader.room(longer);
      REQUIRE(room.size > 0);
      const std::size_t n = std::min({room.size, step, line.size() - at});
      std::memcpy(room.data, line.data() + at, n);
      reader.commit(n);
      at += n;
      CHECK(std::string(reader.unread()) == line.substr(0, at));
      if (at < line.size()) CHECK(reader.next(longer).status == Status::more);
    }
    const LineReader::Result result = reader.next(longer);
    CHECK(result.status == Status::line);
    CHECK(std::string(result.line) == line.substr(0, 98));
    // The block has its size now, but what is too long is what the limits of the day say.
    CHECK(reader.room(shorter).size <= 100);
    std::memcpy(reader.room(shorter).data, "123456789\r\nb\r\n", 14);
    reader.commit(14);
    CHECK(reader.next(shorter).status == Status::too_long);
    CHECK(std::string(reader.next(shorter).line) == "b");
    reader.next(shorter);
    reader.trim();
    CHECK(reader.room(shorter).size == 16);
  }
}

TEST_CASE("a full block of the shorter limit has room again for a longer line, a lent one stays where it is") {
  const LineLimits shorter = limits(8, 0, false, 8), longer = limits(12, 0, false, 8);
  LineReader reader;
  std::memcpy(reader.room(shorter).data, "A 34567", 7);
  reader.commit(7);
  const mailwire::MutableBuffer room = reader.room(longer);
  CHECK(room.size == 1);
  CHECK(reader.room(longer).data == room.data);
  *room.data = '8';
  reader.commit(1);
  CHECK_FALSE(reader.has_room(shorter));
  CHECK(reader.room(shorter).size == 0);
  CHECK(reader.has_room(longer));
  CHECK(reader.room(longer).size == 4);
  CHECK(std::string(reader.unread()) == "A 345678");
  CHECK(reader.is_lent());
  reader.commit(0);
  CHECK_FALSE(reader.is_lent());
}

TEST_CASE("R2 R190 F-PE1: limits that change from line to line make no difference to how octets may be cut") {
  std::vector<std::string> inputs = {""};
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].size() < 6)
      for (const char c : {'A', ' ', '\r', '\n'}) inputs.push_back(inputs[i] + c);
  for (const std::string& end :
       {std::string("\r\nA x\r\n"), std::string("A xxxx\r\nA 4567\r\n"), std::string("\nxxxxx")})
    for (std::size_t i = 0; i < 341; ++i) inputs.push_back(inputs[i] + end);
  for (const LineLimits l : {limits(4, 0, false, 4), limits(4, 0, true, 6), limits(3, 9, false, 5)}) {
    CAPTURE(l.line);
    CAPTURE(l.bare_lf);
    std::string wrong;
    for (const std::string& octets : inputs)
      if (wrong.empty()) wrong = first_difference(octets, l, expected(octets, l, 8), 8);
    CHECK(wrong == "");
  }
}

TEST_CASE("R2: who ends a line with LF alone is known, also where that is allowed") {
  LineReader reader;
  const LineLimits l = limits(64, 0, true);
  std::memcpy(reader.room(l).data, "a\nb\r\n\n", 6);
  reader.commit(6);
  CHECK(reader.next(l).bare_lf);
  CHECK_FALSE(reader.next(l).bare_lf);
  CHECK(reader.next(l).bare_lf);
  CHECK_FALSE(reader.next(l).bare_lf);
}

TEST_CASE("what begins a line is told apart from what is left of one that is too long") {
  LineReader reader;
  const LineLimits l = limits(8, 0, false, 16);
  const auto feed = [&](std::string_view octets) {
    std::memcpy(reader.room(l).data, octets.data(), octets.size());
    reader.commit(octets.size());
  };
  feed("AUTH");
  CHECK(std::string(reader.unread_line()) == "AUTH");
  feed(" 678");
  reader.next(l);
  feed("AUTH x");
  CHECK(std::string(reader.unread()) == "AUTH x");
  CHECK(reader.unread_line().empty());
  feed("\r\nAU");
  CHECK(reader.next(l).status == Status::too_long);
  CHECK(std::string(reader.unread_line()) == "AU");
}

TEST_CASE("a full block has room again only where a longer line is allowed, however long") {
  LineReader reader;
  LineLimits limits;
  limits.line = limits.block = 16;
  const auto room = reader.room(limits);
  std::memset(room.data, 'x', room.size);
  CHECK(reader.commit(room.size) == 16);
  CHECK_FALSE(reader.has_room(limits));
  CHECK(reader.room(limits).size == 0);
  limits.line = 17;
  CHECK(reader.has_room(limits));
  limits.line = ~std::size_t{0};
  CHECK(reader.has_room(limits));
  CHECK(reader.room(limits).size == 16);  // doubled, not as large as a line may be
}

namespace {

// The octets are there, and nothing was taken out yet.
void put(LineReader& reader, const LineLimits& l, std::string_view octets) {
  const mailwire::MutableBuffer room = reader.room(l);
  REQUIRE(room.size >= octets.size());
  std::memcpy(room.data, octets.data(), octets.size());
  reader.commit(octets.size());
}

}  // namespace

TEST_CASE("F-DOS: limits that nobody has set") {
  const LineLimits l;
  CHECK(l.line == 512);
  CHECK(l.block == 1024);
  CHECK(l.give_up == 65'536);
  CHECK_FALSE(l.bare_lf);
  LineReader reader;
  CHECK(reader.room(l).size == 1024);
}

TEST_CASE("F-LOG: what is skipped is wiped at once, and is no line that ends at an LF alone") {
  const LineLimits l = limits(8, 0, true, 16);
  LineReader reader;
  const char* const block = reader.room(l).data;
  put(reader, l, "########");
  const LineReader::Result skipped = reader.next(l);
  CHECK(skipped.status == Status::more);
  CHECK_FALSE(skipped.bare_lf);
  CHECK(std::count(block, block + 8, '#') == 0);
  CHECK_FALSE(reader.next(l).bare_lf);
  LineReader other;
  put(other, limits(8, 8), "########");
  const LineReader::Result hopeless_one = other.next(limits(8, 8));
  CHECK(hopeless_one.status == Status::too_long);
  CHECK_FALSE(hopeless_one.bare_lf);
  LineReader fresh;
  fresh.wipe_line();  // there is none
  put(fresh, l, "a\n");
  fresh.wipe_line();
  CHECK(std::string(fresh.next(l).line) == "a");
}

TEST_CASE("a limit of one octet: what is left of a longer line begins none; after one octet it can be hopeless") {
  LineReader reader;
  const LineLimits l = limits(1, 0, false, 8);
  put(reader, l, "a");
  CHECK(reader.next(l).status == Status::more);
  put(reader, l, "bc");
  CHECK(reader.unread_line().empty());
  LineReader other;
  put(other, l, "a");
  CHECK(other.next(l).status == Status::more);
  put(other, l, "\r\n");
  CHECK(other.next(limits(8)).status == Status::too_long);  // its first octet is gone
  CHECK(text(read("123456789\r\n", 0, 100, limits(8, 1, false, 64))) == text({too_long, hopeless}));
}

TEST_CASE("octets are moved to the front where that is cheap or needed, and stay where they are else") {
  const LineLimits l = limits(16, 0, false, 64);
  LineReader reader;
  const char* const block = reader.room(l).data;
  put(reader, l, "a\r\nbc");
  CHECK(std::string(reader.next(l).line) == "a");
  CHECK(reader.room(l).data == block + 5);  // more than half of the block is free
  put(reader, l, "\r\n");
  CHECK(std::string(reader.next(l).line) == "bc");
  const mailwire::MutableBuffer whole = reader.room(l);
  CHECK(whole.data == block);
  CHECK(whole.size == 64);
  // Just half of it is free: not yet. One octet less: now.
  put(reader, l, "d\r\n" + std::string(29, 'e'));
  CHECK(std::string(reader.next(l).line) == "d");
  const LineLimits longer = limits(60, 0, false, 64);
  CHECK(reader.room(longer).data == block + 32);
  put(reader, longer, "e");
  CHECK(reader.room(longer).data == block + 30);
}

TEST_CASE("R190: a block grows by doubling, up to the line, and one that may not grow stays") {
  const LineLimits l = limits(90, 0, false, 16);
  LineReader reader;
  std::size_t held = 0;
  LineLimits small = limits(16, 0, false, 16);
  for (const std::size_t wanted : {16U, 32U, 64U, 90U}) {
    const mailwire::MutableBuffer room = reader.room(held == 0 ? small : l);
    CHECK(held + room.size == wanted);
    put(reader, held == 0 ? small : l, std::string(room.size, 'x'));
    held += room.size;
  }
  const char* const at = reader.unread().data();
  CHECK(reader.room(l).size == 0);
  CHECK(reader.unread().data() == at);
}
