// SPDX-License-Identifier: MIT
// What a Maildir does without waiting for a disk, and when it will not.
#include "maildir.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "page_cache.hpp"

using namespace std::chrono_literals;
using pop3d::Descriptor;
using pop3d::Maildir;
using pop3d::MaildirCache;
using pop3d::MaildirState;

namespace fs = std::filesystem;

namespace {

// The Maildir of ann, in a folder that goes with it.
class Store {
 public:
  Store() {
    char name[] = "/tmp/mailwire-XXXXXX";
    root_ = ::mkdtemp(name);
    for (const char* const folder : {"new", "cur", "tmp"}) fs::create_directories(root_ / "ann" / folder);
    folder_ = Descriptor(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store() { fs::remove_all(root_); }

  fs::path path(const char* name) const { return root_ / "ann" / name; }
  void write(const char* name, std::string_view octets) const {
    std::ofstream(path(name), std::ios::binary).write(octets.data(), static_cast<std::streamsize>(octets.size()));
  }
  static void let_the_clock_tick() { std::this_thread::sleep_for(30ms); }

  std::unique_ptr<Maildir> open() { return Maildir::open(folder_.get(), "ann", cache_, false); }
  std::unique_ptr<Maildir> open_at_once() { return Maildir::open_at_once(folder_.get(), "ann", cache_, false); }
  int folder() const { return folder_.get(); }

 private:
  fs::path root_;
  Descriptor folder_;
  MaildirCache cache_;
};

// Not every system can tell what it has in its memory: then nothing is done at once, and there is nothing to test.
bool can_tell(const Store& store) {
  return static_cast<bool>(pop3d::open_if_cached(store.folder(), "ann", O_DIRECTORY)) &&
         pop3d::is_local(store.folder());
}

// Nor can every file system read so: overlayfs, as in containers, cannot.
bool can_read(const Store& store, const char* name) {
  const Descriptor file(::open(store.path(name).c_str(), O_RDONLY | O_CLOEXEC));
  char octet = 0;
  return pop3d::read_if_cached(file.get(), &octet, 1, 0) == 1;
}

}  // namespace

TEST_CASE("R47: where a folder cannot be opened any more, what was removed from the other one is told") {
  Store store;
  store.write("new/1.a", "one\r\n");
  store.write("cur/2.b:2,", "two\r\n");
  const auto maildir = store.open();
  REQUIRE(maildir->messages().count == 2);
  fs::rename(store.path("cur"), store.path("old"));
  fs::create_symlink("old", store.path("cur"));
  constexpr std::uint32_t both[] = {1, 2};
  CHECK(maildir->remove({both, 2}) == 1);
  CHECK_FALSE(fs::exists(store.path("new/1.a")));
  CHECK(fs::exists(store.path("old/2.b:2,")));
}

TEST_CASE("F-LIST: a Maildir is opened at once when it was listed and has not changed since") {
  Store store;
  if (!can_tell(store)) return;
  store.write("cur/1.a:2,", "one\r\n");
  Store::let_the_clock_tick();
  CHECK_FALSE(store.open_at_once());  // nothing is known of it
  REQUIRE(store.open());
  {
    const auto again = store.open_at_once();
    REQUIRE(again);
    REQUIRE(again->messages().count == 1);
    CHECK(again->messages().data[0].size == 5);
    CHECK(again->messages().data[0].uid == "1.a");
    CHECK_FALSE(store.open_at_once());  // locked
    CHECK_FALSE(store.open());
  }
  const auto check_change = [&store](std::size_t left) {
    CHECK_FALSE(store.open_at_once());
    CHECK(store.open()->messages().count == left);
    Store::let_the_clock_tick();
    CHECK(store.open()->messages().count == left);
    CHECK(store.open_at_once());
  };
  SUBCASE("a message comes") {
    store.write("new/2.b", "two\r\n");
    check_change(2);
  }
  SUBCASE("a message goes") {
    fs::remove(store.path("cur/1.a:2,"));
    check_change(0);
  }
  SUBCASE("a message is flagged") {
    fs::rename(store.path("cur/1.a:2,"), store.path("cur/1.a:2,S"));
    check_change(1);
  }
  SUBCASE("a folder is replaced") {
    fs::rename(store.path("new"), store.path("old"));
    fs::create_directory(store.path("new"));
    check_change(1);
  }
  SUBCASE("a folder goes") {
    fs::remove(store.path("new"));
    check_change(1);
  }
}

TEST_CASE("F-LIST: a listing made in the same tick of the clock as a change does not hold") {
  Store store;
  MaildirState state;
  state.parts[0].modified = state.parts[1].modified = std::chrono::system_clock::now().time_since_epoch() - 1h + 1ns;
  CHECK(state.shows_later_changes());
  state.parts[1].changed = std::chrono::system_clock::now().time_since_epoch();
  CHECK_FALSE(state.shows_later_changes());
  // Times without fractions: the clock may be one of seconds.
  state.parts[1].changed =
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  state.parts[1].changed -= 1s;
  CHECK_FALSE(state.shows_later_changes());

  if (!can_tell(store)) return;
  for (int round = 0; round < 50; ++round) {
    const std::string name = "new/" + std::to_string(round) + ".x";
    store.write(name.c_str(), "x\r\n");
    const auto maildir = store.open_at_once();
    CHECK((maildir ? maildir->messages().count : store.open()->messages().count) ==
          static_cast<std::size_t>(round + 1));
  }
}

TEST_CASE("R37: a message that was written into is found out by the first RETR") {
  struct Case {
    const char *before, *after;
    std::uint64_t size;  // on the wire, afterwards
  };
  const std::string large(100'000, 'x');
  for (const Case& c : {Case{"one\r\n", "longer\r\n", 8}, {"one\r\n", "on", 4}, {"one\r\n", "o\n\n\r\n", 7}})
    for (const std::string& start : {std::string(), large}) {
      Store store;
      if (!can_tell(store)) return;
      CAPTURE(c.after);
      const std::string before = start + c.before, after = start + c.after;
      store.write("cur/1.a:2,", before);
      Store::let_the_clock_tick();
      store.open();
      store.write("cur/1.a:2,", after);
      const bool same_size = before.size() == after.size();
      {
        const auto maildir = store.open_at_once();
        REQUIRE(maildir);
        const bool can = !start.empty() || can_read(store, "cur/1.a:2,");  // a small one is read as it is opened
        CHECK((maildir->open_at_once(1) != nullptr) == (same_size && can));
        CHECK((maildir->open_message(1) != nullptr) == same_size);
        if (same_size) maildir->sent(1, start.size() + c.size);
      }
      CHECK_FALSE(store.open_at_once());
      CHECK(store.open()->messages().data[0].size == start.size() + c.size);
    }
}

TEST_CASE("R37: a size that its name tells is corrected by the first RETR") {
  Store store;
  if (!can_tell(store)) return;
  store.write("cur/1.a,S=4,W=4:2,", "a\nb\n");
  Store::let_the_clock_tick();
  {
    const auto maildir = store.open();
    REQUIRE(maildir->messages().data[0].size == 4);
    maildir->sent(1, 4);  // as it should be
    maildir->sent(1, 6);
  }
  CHECK_FALSE(store.open_at_once());
  CHECK(store.open()->messages().data[0].size == 6);
}

TEST_CASE("R53: the beginning of a message is remembered for TOP, and the rest is read from its file") {
  Store store;
  if (!can_tell(store)) return;
  const std::string large(40'000, 'x');
  store.write("cur/1.a,S=5,W=5:2,", "one\r\n");
  store.write("cur/2.b,S=40000,W=40002:2,", large);
  if (!can_read(store, "cur/2.b,S=40000,W=40002:2,")) return;
  Store::let_the_clock_tick();
  const auto maildir = store.open();
  REQUIRE(maildir);
  for (int i = 0; i < 2; ++i) {
    const auto small = maildir->open_head_at_once(1);
    REQUIRE(small);
    CHECK(small->size() == 5);
    CHECK(small->read_at_once(0, 3) == "one");
    CHECK(small->read_at_once(3, 100) == "\r\n");
    CHECK(small->read_at_once(5, 100) == "");
    const auto head = maildir->open_head_at_once(2);
    REQUIRE(head);
    CHECK(head->size() == 40'000);
    const auto first = head->read_at_once(0, 65536);
    REQUIRE(first);
    CHECK(first->size() == 16'384);
    CHECK_FALSE(head->read_at_once(16'384, 65536));  // nobody has opened it yet
    CHECK(head->read(16'384, 65536) == std::string_view(large).substr(16'384));
    CHECK(head->read_at_once(40'000, 65536) == "");
  }
  // What was read stays for a moment, whatever becomes of the file; the rest does not.
  fs::remove(store.path("cur/2.b,S=40000,W=40002:2,"));
  const auto gone = maildir->open_head_at_once(2);
  REQUIRE(gone);
  CHECK(gone->read_at_once(0, 65536) == std::string_view(large).substr(0, 16'384));
  CHECK_FALSE(gone->read(16'384, 65536));
}

TEST_CASE("R38: what is in memory is read at once, and the rest of the message is not") {
  Store store;
  if (!can_tell(store)) return;
  const std::string octets(100'000, 'x');
  store.write("cur/1.a,S=100000,W=100002:2,", octets);
  Store::let_the_clock_tick();
  const auto maildir = store.open();
  REQUIRE(maildir);
  auto message = maildir->open_at_once(1);
  REQUIRE(message);
  if (!can_read(store, "cur/1.a,S=100000,W=100002:2,")) {
    CHECK_FALSE(message->read_at_once(0, 65536));
    CHECK(message->read(0, 65536) == std::string_view(octets).substr(0, 65536));
    return;
  }
  CHECK(message->read_at_once(0, 65536) == std::string_view(octets).substr(0, 65536));
  CHECK(message->read_at_once(65536, 65536) == std::string_view(octets).substr(65536));
  CHECK(message->read_at_once(100'000, 65536) == "");

  const Descriptor file(::open(store.path("cur/1.a,S=100000,W=100002:2,").c_str(), O_RDWR | O_CLOEXEC));
  REQUIRE(::fsync(file.get()) == 0);
  REQUIRE(::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED) == 0);
  if (pop3d::seems_cached(file.get(), 0)) return;  // a file system without a disk
  message = maildir->open_at_once(1);
  REQUIRE(message);
  CHECK_FALSE(message->read_at_once(0, 65536));
  CHECK(message->read(0, 65536) == std::string_view(octets).substr(0, 65536));
  CHECK(message->read(65536, 65536) == std::string_view(octets).substr(65536));
  CHECK(pop3d::seems_cached(file.get(), 0));
}

TEST_CASE("R41 R44: a file is sent as it is once it was seen to be fit for that, and as long as it does not change") {
  Store store;
  store.write("cur/1.a:2,", "one\r\n\r\ntwo\r\n");  // counted, since no name tells its size
  store.write("cur/2.b,S=7,W=7:2,", "b\r\n.\r\n.");
  std::this_thread::sleep_for(2100ms);
  const auto maildir = store.open();
  REQUIRE(maildir);
  REQUIRE(maildir->messages().count == 2);
  CHECK(maildir->open_message(1)->file_as_is() >= 0);
  CHECK(maildir->open_message(2)->file_as_is() < 0);  // not seen
  CHECK(maildir->open_message(2)->read(0, 100) == "b\r\n.\r\n.");
  CHECK(maildir->open_message(2)->file_as_is() < 0);  // not fit
  // The same size and the same time, but not the same content.
  struct stat before {};
  REQUIRE(::stat(store.path("cur/1.a:2,").c_str(), &before) == 0);
  store.write("cur/1.a:2,", "one\r\n.\r\ntw\r\n");
  const timespec times[] = {before.st_atim, before.st_mtim};
  REQUIRE(::utimensat(AT_FDCWD, store.path("cur/1.a:2,").c_str(), times, 0) == 0);
  const auto changed = maildir->open_message(1);
  REQUIRE(changed);
  CHECK(changed->file_as_is() < 0);
}

TEST_CASE("R41: a file that was changed a moment ago is not trusted to be fit") {
  Store store;
  store.write("cur/1.a:2,", "one\r\n");
  const auto maildir = store.open();
  REQUIRE(maildir);
  CHECK(maildir->open_message(1)->file_as_is() < 0);
}
