// SPDX-License-Identifier: MIT
#include <mailwire/output_queue.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using mailwire::ConstBuffer;
using mailwire::OutputQueue;

// All that gather() returns, runs apart.
std::string gathered(OutputQueue& queue, std::size_t max) {
  std::vector<ConstBuffer> runs(max);
  std::string text;
  const std::size_t count = queue.gather(runs.data(), max);
  for (std::size_t i = 0; i < count; ++i) text += (i > 0 ? "|" : "") + std::string(runs[i].data, runs[i].size);
  return text;
}

std::string rest(OutputQueue& queue) {
  std::string all(1000, '\0');
  all.resize(queue.copy(all.data(), all.size()));
  return all;
}

// Text being sent, text behind it, a run and its end: all four kinds at once.
void fill(OutputQueue& queue) {
  queue.text().append("0123");
  queue.gather(nullptr, 0);  // now it is at the front
  queue.text().append("4567");
  queue.lend("89ab", "cd");
}
const std::string all_kinds = "0123456789abcd";

}  // namespace

TEST_CASE("nothing is queued at first") {
  OutputQueue queue;
  CHECK(queue.empty());
  CHECK(queue.size() == 0);
  CHECK(queue.output().empty());
  CHECK(gathered(queue, 4) == "");
  CHECK_FALSE(queue.has_run());
  CHECK_FALSE(queue.handed_out());
  queue.consume(0);
  CHECK(queue.empty());
}

TEST_CASE("R116: gather gives the runs in order, as many as are wanted, the text alone when nothing is lent") {
  const char* const wanted[] = {"", "0123", "0123|4567", "0123|4567|89ab", "0123|4567|89ab|cd", "0123|4567|89ab|cd"};
  for (std::size_t max = 0; max <= 5; ++max) {
    OutputQueue queue;
    fill(queue);
    CAPTURE(max);
    CHECK(queue.size() == all_kinds.size());
    CHECK(gathered(queue, max) == wanted[max]);
    CHECK(queue.handed_out() == (max > 0));
    CHECK(queue.size() == all_kinds.size());
  }
  OutputQueue queue;
  queue.text().append("one");
  CHECK(std::string(queue.output()) == "one");
  queue.text().append("two");
  CHECK(gathered(queue, 4) == "one");  // what is handed out does not grow
  queue.consume(3);
  CHECK(gathered(queue, 4) == "two");
}

TEST_CASE("every partial amount can be consumed, whatever part was looked at") {
  for (std::size_t max = 1; max <= 4; ++max) {
    for (std::size_t amount = 0; amount <= all_kinds.size(); ++amount) {
      OutputQueue queue;
      fill(queue);
      CAPTURE(max);
      CAPTURE(amount);
      std::size_t looked_at = 0;
      ConstBuffer runs[4];
      for (std::size_t i = 0, count = queue.gather(runs, max); i < count; ++i) looked_at += runs[i].size;
      if (amount > looked_at) continue;
      queue.consume(amount);
      CHECK_FALSE(queue.handed_out());
      CHECK(queue.size() == all_kinds.size() - amount);
      CHECK(rest(queue) == all_kinds.substr(amount));
      CHECK(queue.empty());
      CHECK_FALSE(queue.has_run());
    }
  }
}

TEST_CASE("octet by octet the order is the same, and the run stays lent until its end is gone") {
  for (const bool whole : {false, true}) {
    OutputQueue queue;
    fill(queue);
    std::string sent;
    ConstBuffer runs[4];
    while (queue.gather(runs, whole ? 4 : 1) > 0) {
      CHECK(queue.has_run());
      sent += runs[0].data[0];
      queue.consume(1);
    }
    CHECK(sent == all_kinds);
    CHECK_FALSE(queue.has_run());
  }
}

TEST_CASE("what was handed out stays where and what it is while text is appended and a run is lent") {
  OutputQueue queue;
  queue.text().append("being sent");
  const std::string_view out = queue.output();
  const std::string copy(out);
  for (int i = 0; i < 1000; ++i) {
    queue.text().append("more and more text that makes the block grow");
    CHECK(queue.output().data() == out.data());
  }
  CHECK(std::string(out) == copy);  // a sanitizer would see that it moved
  CHECK(queue.output().size() == copy.size());
  const std::string run(100, 'r');
  queue.lend(run, ".");
  ConstBuffer runs[4];
  CHECK(queue.gather(runs, 4) == 4);
  CHECK(runs[0].data == out.data());
  CHECK(runs[0].size == copy.size());
  CHECK(runs[2].data == run.data());  // not copied
  queue.consume(5);
  CHECK(std::string(queue.output()) == " sent");
}

TEST_CASE("a second look does not take back what the first one gave") {
  OutputQueue queue;
  fill(queue);
  ConstBuffer runs[4];
  queue.gather(runs, 4);
  CHECK(std::string(queue.output()) == "0123");
  queue.consume(all_kinds.size());  // all was handed out by the first look
  CHECK(queue.empty());
}

TEST_CASE("a run without an end, an end without a run, neither") {
  OutputQueue queue;
  queue.lend("run", "");
  CHECK(queue.has_run());
  CHECK(gathered(queue, 4) == "run");
  queue.consume(3);
  CHECK_FALSE(queue.has_run());
  queue.lend("", "end");
  CHECK(queue.has_run());
  CHECK(gathered(queue, 4) == "end");
  queue.consume(1);
  CHECK(gathered(queue, 4) == "nd");
  queue.consume(2);
  queue.lend("", "");
  CHECK_FALSE(queue.has_run());
  CHECK(queue.empty());
}

TEST_CASE("copy goes over all runs, with any room") {
  for (std::size_t room = 1; room <= all_kinds.size() + 1; ++room) {
    OutputQueue queue;
    fill(queue);
    CAPTURE(room);
    std::string copied;
    for (;;) {
      std::string block(room, '#');
      const std::size_t n = queue.copy(block.data(), room);
      CHECK(block.substr(n) == std::string(room - n, '#'));
      if (n == 0) break;
      copied += block.substr(0, n);
    }
    CHECK(copied == all_kinds);
  }
  OutputQueue queue;
  fill(queue);
  CHECK(queue.copy(nullptr, 0) == 0);
  CHECK(queue.size() == all_kinds.size());
}

TEST_CASE("drop forgets everything, also what was handed out") {
  OutputQueue queue;
  fill(queue);
  queue.output();
  queue.consume(2);
  queue.output();
  queue.drop();
  CHECK(queue.empty());
  CHECK_FALSE(queue.has_run());
  CHECK_FALSE(queue.handed_out());
  CHECK(gathered(queue, 4) == "");
  queue.text().append("again");
  CHECK(rest(queue) == "again");
}

TEST_CASE("drop_run forgets what was lent, and its end, and nothing of the text") {
  for (std::size_t sent = 0; sent <= all_kinds.size(); ++sent) {
    OutputQueue queue;
    fill(queue);
    CAPTURE(sent);
    ConstBuffer runs[4];
    queue.gather(runs, 4);
    queue.consume(sent);
    queue.drop_run();
    CHECK_FALSE(queue.has_run());
    CHECK(rest(queue) == (sent < 8 ? all_kinds.substr(sent, 8 - sent) : ""));
    queue.lend("again", "!");
    CHECK(rest(queue) == "again!");
  }
}

TEST_CASE("trim gives memory back and loses nothing") {
  OutputQueue queue;
  queue.text().append("sent");
  CHECK(queue.text().capacity() > 0);
  CHECK(rest(queue) == "sent");
  queue.text().append("x");
  queue.trim();
  CHECK(rest(queue) == "x");
  queue.trim();
  CHECK(queue.text().capacity() == 0);

  queue.text().append("front");
  const std::string_view out = queue.output();
  queue.trim();
  CHECK(std::string(out) == "front");
  CHECK(queue.output().data() == out.data());
  queue.text().append("back");
  queue.trim();
  CHECK(gathered(queue, 4) == "front");
  queue.consume(5);
  queue.trim();
  CHECK(rest(queue) == "back");
}

TEST_CASE("octets that are promised come between text and end, and are only counted") {
  for (const std::size_t part : {std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
    OutputQueue queue;
    CHECK(queue.promised() == 0);
    queue.text().append("0123");
    queue.promise(10, "end");
    CAPTURE(part);
    CHECK(queue.has_run());
    CHECK(queue.size() == 17);
    CHECK(queue.promised() == 10);  // it is known before its turn
    std::string sent;
    while (!queue.empty()) {
      ConstBuffer runs[4];
      const std::size_t count = queue.gather(runs, 4);
      CHECK(count <= 1);
      const std::size_t promised = queue.promised();
      const std::size_t there = count > 0 ? runs[0].size : promised;
      const std::size_t n = there < part ? there : part;
      sent += count > 0 ? std::string(runs[0].data, n) : std::string(n, '*');
      CHECK(queue.handed_out());
      queue.consume(n);
    }
    CHECK(sent == "0123**********end");
    CHECK_FALSE(queue.has_run());
  }
}

TEST_CASE("copy() stops at what is promised; dropping the run drops the promise") {
  OutputQueue queue;
  queue.text().append("0123");
  queue.promise(10, "end");
  CHECK(rest(queue) == "0123");
  CHECK(queue.output().empty());
  CHECK_FALSE(queue.empty());
  queue.drop_run();
  CHECK(queue.promised() == 0);
  CHECK(queue.empty());
}

TEST_CASE("a run that was dropped while it was being sent: what was sent of it counts for nothing") {
  OutputQueue queue;
  queue.lend("a run", "its end");
  CHECK(gathered(queue, 4) == "a run|its end");
  queue.drop_run();
  queue.consume(12);
  CHECK(queue.empty());
  queue.text().append("next");
  CHECK(rest(queue) == "next");
}

TEST_CASE("trim keeps what is being sent") {
  OutputQueue queue;
  queue.lend("a run", "");
  CHECK(gathered(queue, 4) == "a run");
  queue.trim();
  queue.consume(2);
  CHECK(rest(queue) == "run");
}

TEST_CASE("a run or an end of a single octet is one") {
  OutputQueue queue;
  queue.lend("x", "");
  CHECK(queue.has_run());
  CHECK(rest(queue) == "x");
  queue.lend("", ".");
  CHECK(queue.has_run());
  CHECK(rest(queue) == ".");
  CHECK_FALSE(queue.has_run());
}

TEST_CASE("of what was promised there is as much left as was not sent, and nothing where nothing was promised") {
  OutputQueue queue;
  CHECK(queue.promised_left() == 0);
  queue.lend("run", "end");
  CHECK(queue.promised_left() == 0);
  queue.drop();
  queue.promise(10, "end");
  CHECK(queue.promised_left() == 10);
  CHECK(queue.promised() == 10);
  queue.consume(4);
  CHECK(queue.promised_left() == 6);
  queue.drop_run();
  CHECK(queue.promised_left() == 0);
}
