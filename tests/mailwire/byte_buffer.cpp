// SPDX-License-Identifier: MIT
#include <mailwire/byte_buffer.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <type_traits>

using mailwire::ByteBuffer;

namespace {

std::string text(const ByteBuffer& buffer) { return std::string(buffer.view()); }

}  // namespace

TEST_CASE("an empty buffer holds no memory") {
  const ByteBuffer buffer;
  CHECK(buffer.empty());
  CHECK(buffer.size() == 0);
  CHECK(buffer.capacity() == 0);
  CHECK(buffer.data() == nullptr);
  CHECK(text(buffer) == "");
  // Two owners of one block, or a block that moves behind a view's back, cannot be written down.
  static_assert(!std::is_copy_constructible_v<ByteBuffer> && !std::is_copy_assignable_v<ByteBuffer>);
}

TEST_CASE("what is appended comes out, whatever the pieces and however often the block grows") {
  for (std::size_t piece = 1; piece <= 70; ++piece) {
    CAPTURE(piece);
    ByteBuffer buffer;
    std::string wanted;
    for (std::size_t i = 0; i < 30; ++i) {
      const std::string octets(piece, static_cast<char>('a' + i % 26));
      buffer.append(octets);
      buffer.append(static_cast<char>(i));
      buffer.append(std::string_view());
      wanted += octets + static_cast<char>(i);
    }
    CHECK(text(buffer) == wanted);
    CHECK(buffer.capacity() >= buffer.size());
  }
}

TEST_CASE("appending is linear: the block moves a logarithmic number of times") {
  ByteBuffer buffer;
  unsigned moves = 0;
  for (std::size_t i = 0; i < 1'000'000; ++i) {
    const char* const before = buffer.data();
    buffer.append('x');
    if (buffer.data() != before) ++moves;
  }
  CHECK(buffer.size() == 1'000'000);
  CHECK(moves <= 16);
  CHECK(buffer.capacity() <= 2 * buffer.size());
}

TEST_CASE("room does not count before commit, and committing less than was asked for is fine") {
  ByteBuffer buffer;
  buffer.append("ab");
  std::memcpy(buffer.room(100), "cdef", 4);
  CHECK(text(buffer) == "ab");
  buffer.commit(3);
  CHECK(text(buffer) == "abcde");
  CHECK(buffer.capacity() >= 102);
  const char* const place = buffer.data();
  buffer.room(50);  // there is enough: nothing moves
  CHECK(buffer.data() == place);
}

TEST_CASE("truncate only shortens") {
  ByteBuffer buffer;
  buffer.append("abcdef");
  buffer.truncate(7);
  CHECK(text(buffer) == "abcdef");
  buffer.truncate(6);
  CHECK(text(buffer) == "abcdef");
  buffer.truncate(2);
  CHECK(text(buffer) == "ab");
  buffer.append("z");
  CHECK(text(buffer) == "abz");
  buffer.clear();
  CHECK(buffer.empty());
  CHECK(buffer.capacity() > 0);
}

TEST_CASE("wipe overwrites the whole block, also octets that were cleared or truncated before") {
  ByteBuffer buffer;
  buffer.append("a secret that is long");
  buffer.clear();
  buffer.append("short");
  const char* const block = buffer.data();
  buffer.wipe();
  CHECK(buffer.empty());
  CHECK(buffer.data() == block);
  CHECK(std::all_of(block, block + buffer.capacity(), [](char c) { return c == '\0'; }));

  ByteBuffer nothing;
  nothing.wipe();  // no memory to touch
  CHECK(nothing.empty());
}

TEST_CASE("release gives the memory back, and the buffer can be used again") {
  ByteBuffer buffer;
  buffer.append("abc");
  buffer.release();
  CHECK(buffer.empty());
  CHECK(buffer.capacity() == 0);
  CHECK(buffer.data() == nullptr);
  buffer.release();
  buffer.append("def");
  CHECK(text(buffer) == "def");
}

TEST_CASE("swap exchanges blocks, not octets") {
  ByteBuffer a, b;
  a.append("left");
  b.append("right side");
  const char* const left = a.data();
  const char* const right = b.data();
  a.swap(b);
  CHECK(text(a) == "right side");
  CHECK(text(b) == "left");
  CHECK(a.data() == right);
  CHECK(b.data() == left);
  ByteBuffer none;
  a.swap(none);
  CHECK(a.capacity() == 0);
  CHECK(none.data() == right);
}

TEST_CASE(
    "a block begins with 64 octets and doubles: octets that come one by one never hold more than twice their size") {
  ByteBuffer buffer;
  std::size_t wanted = 64;
  for (std::size_t i = 0; i < 5000; ++i) {
    if (i == wanted) wanted *= 2;
    buffer.append('x');
    REQUIRE(buffer.capacity() == wanted);
  }
  // What is asked for at once is what there is.
  ByteBuffer other;
  other.append('y');
  other.append(std::string(999, 'z'));
  CHECK(other.capacity() == 1000);
  CHECK(text(other) == 'y' + std::string(999, 'z'));
}
