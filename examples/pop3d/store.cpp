// SPDX-License-Identifier: MIT
#include "store.hpp"

#include <fcntl.h>

#include <atomic>
#include <cerrno>
#include <map>
#include <mutex>
#include <system_error>
#include <vector>

#include "../demo.hpp"
#include "maildir.hpp"

namespace pop3d {
namespace {

class MaildirStore : public Store {
 public:
  MaildirStore(const std::string& directory, bool utf8)
      : root_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)), utf8_(utf8) {
    if (!root_) throw std::system_error(errno, std::generic_category(), directory);
  }
  std::unique_ptr<Maildrop> open(const std::string& user) override {
    return Maildir::open(root_.get(), user, cache_, utf8_);
  }
  std::unique_ptr<Maildrop> open_at_once(const std::string& user) override {
    return Maildir::open_at_once(root_.get(), user, cache_, utf8_);
  }

 private:
  Descriptor root_;
  MaildirCache cache_;
  const bool utf8_;
};

class DemoMessage : public Message {
 public:
  explicit DemoMessage(std::string_view text) noexcept : text_(text) {}
  std::optional<std::string_view> read(std::uint64_t offset, std::size_t room) override {
    return text_.substr(static_cast<std::size_t>(offset), room);
  }
  std::optional<std::string_view> read_at_once(std::uint64_t offset, std::size_t room) override {
    return read(offset, room);
  }
  std::uint64_t size() const override { return text_.size(); }

 private:
  std::string_view text_;
};

// One maildrop for all: what is deleted is gone until the server starts again.
class DemoStore : public Store {
 public:
  std::unique_ptr<Maildrop> open(const std::string&) override {
    return locked_.exchange(true) ? nullptr : std::make_unique<Open>(*this);
  }
  std::unique_ptr<Maildrop> open_at_once(const std::string& user) override { return open(user); }

 private:
  class Open : public Maildrop {
   public:
    explicit Open(DemoStore& store) : store_(store), mine_(store.left_) {
      const auto all = demo::listing();
      for (const std::size_t index : mine_) messages_.push_back(all[index]);
    }
    ~Open() override { store_.locked_ = false; }

    pop3::Listing messages() const override { return messages_; }
    std::unique_ptr<Message> open_message(std::uint32_t number) override {
      return std::make_unique<DemoMessage>(demo::messages[mine_.at(number - 1)].text);
    }
    std::unique_ptr<Message> open_at_once(std::uint32_t number) override { return open_message(number); }
    std::size_t remove(pop3::Numbers numbers) override {
      for (const std::uint32_t number : numbers) std::erase(store_.left_, mine_.at(number - 1));
      return numbers.count;
    }

   private:
    DemoStore& store_;
    const std::vector<std::size_t> mine_;  // message n is demo::messages[mine_[n - 1]]
    std::vector<pop3::MessageInfo> messages_;
  };

  std::atomic<bool> locked_ = false;
  std::vector<std::size_t> left_ = {0, 1, 2};  // of whoever has the lock
};

}  // namespace

std::unique_ptr<Store> make_maildir_store(const std::string& directory, bool utf8) {
  return std::make_unique<MaildirStore>(directory, utf8);
}
std::unique_ptr<Store> make_demo_store() { return std::make_unique<DemoStore>(); }

}  // namespace pop3d
