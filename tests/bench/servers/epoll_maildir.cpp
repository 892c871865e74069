// SPDX-License-Identifier: MIT
// Maildirs served by the driver of examples/epoll.hpp: epoll_maildir HOST:PORT ROOT PASSWORD
//
// What a mail server costs that has the library, a driver and little else: the Maildir of each user is ROOT/USER, all
// have the same password, everything happens on one thread. The size of a message comes from ",W=" in its name, or is
// counted at login. Files are read in blocks of 128 KiB, which are lent to the session; a large one that was found to
// need no change is sent by sendfile() from then on. What TOP has read is kept for a while: a file of a Maildir never
// changes. Maildrops are locked against other sessions of this process only.
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "../../../examples/epoll.hpp"

namespace {

constexpr std::size_t block = 128 * 1024, spare_blocks = 32;
constexpr std::size_t large = 16 * 1024;        // octets of a message that is worth a sendfile()
constexpr std::size_t head = 4 * 1024;          // octets of a message that TOP reads first
constexpr std::size_t most_heads = 1024;        // kept at a time
constexpr std::size_t most_clean = 256 * 1024;  // files known to need no change

std::optional<std::uint64_t> number_after(std::string_view name, std::string_view key) {
  const std::size_t at = name.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data() + at + key.size(), name.data() + name.size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

// Folder names that stay below the root.
bool is_folder_name(std::string_view user) {
  return !user.empty() && user.size() <= 64 && user[0] != '.' && user.find('/') == std::string_view::npos &&
         user.find('\0') == std::string_view::npos;
}

class File {
 public:
  File() = default;
  ~File() { close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool open(int folder, const char* name, int flags) {
    close();
    fd_ = ::openat(folder, name, O_RDONLY | O_CLOEXEC | flags);
    return fd_ >= 0;
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

// The state of a file; another one under the same number is another file, or was changed.
struct Stamp {
  dev_t device;
  off_t size;
  std::int64_t seconds, nanoseconds;

  static Stamp of(const struct stat& file) {
    return {file.st_dev, file.st_size, file.st_mtim.tv_sec, file.st_mtim.tv_nsec};
  }
  bool operator==(const Stamp& other) const {
    return device == other.device && size == other.size && seconds == other.seconds && nanoseconds == other.nanoseconds;
  }
};

// What the sessions share.
class World {
 public:
  class App;
  using Block = std::unique_ptr<char[]>;

  World(int root, std::string password) : root_(root), password_(std::move(password)) {
    config_.login_needs_tls = false;  // on loopback
    config_.implementation = "epoll_maildir";
    config_.limits.output_high = block;  // many replies in one piece
  }
  const pop3::Config& config() const { return config_; }
  static pop3::Connection connection() { return {}; }

  int root() const { return root_; }
  std::string_view password() const { return password_; }
  bool lock(const std::string& user) { return locked_.insert(user).second; }
  void unlock(const std::string& user) { locked_.erase(user); }

  // Files whose lines all end with CRLF, none of which begins with a dot.
  bool is_clean(const struct stat& file) const {
    const auto found = clean_.find(file.st_ino);
    return found != clean_.end() && found->second == Stamp::of(file);
  }
  void note_clean(const struct stat& file) {
    if (clean_.size() >= most_clean) clean_.clear();
    clean_[file.st_ino] = Stamp::of(file);
  }

  // The first octets of messages, by their path; null = not known.
  const std::string* find_head(const std::string& path) const {
    const auto found = heads_.find(path);
    return found == heads_.end() ? nullptr : &found->second;
  }
  void keep_head(std::string path, std::string_view octets) {
    if (heads_.size() >= most_heads) heads_.clear();
    heads_.try_emplace(std::move(path), octets);
  }

  // Blocks that a body is read into. Sessions that send none hold none.
  Block take_block() {
    if (blocks_.empty()) return Block(new char[block]);
    Block taken = std::move(blocks_.back());
    blocks_.pop_back();
    return taken;
  }
  void give_back(Block spare) {
    if (spare && blocks_.size() < spare_blocks) blocks_.push_back(std::move(spare));
  }

 private:
  const int root_;
  const std::string password_;
  pop3::Config config_;
  std::unordered_set<std::string> locked_;
  std::vector<Block> blocks_;
  std::unordered_map<ino_t, Stamp> clean_;
  std::unordered_map<std::string, std::string> heads_;
};

class World::App {
 public:
  explicit App(World& world) : world_(world) {}
  ~App() { end_body(); }
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  void on(pop3::Session& session, const pop3::AuthRequest& ask) {
    if (is_folder_name(ask.user) && mailwire::equals_in_constant_time(ask.password.reveal(), world_.password()))
      session.accept(ask.token);
    else
      session.refuse(ask.token);
  }

  void on(pop3::Session& session, const pop3::ListRequest& ask) {
    user_ = ask.user;
    if (!world_.lock(user_)) {
      session.refuse(ask.token, {pop3::Code::in_use, "somebody else is logged in"});
    } else if (!list(session, ask)) {
      world_.unlock(user_);
    }
  }

  void on(pop3::Session& session, const pop3::RetrieveRequest& ask) {
    if (ask.top_lines) return top(session, ask);
    if (!open(session, ask, path(ask.number))) return;
    const bool is_large = ask.size >= large && ::fstat(body_->file.fd(), &body_->state) == 0;
    if (is_large && world_.is_clean(body_->state)) {
      session.promise_body(ask.token, static_cast<std::size_t>(body_->state.st_size));
      return;
    }
    if (is_large) body_->scan.emplace();
    first_piece(session, ask, block);
  }
  void on(pop3::Session& session, const pop3::BodyRequest& ask) {
    const bool behind_head = !body_ || body_->file.fd() < 0;  // TOP wants more than what was kept
    if (behind_head &&
        (!open_file(path(ask.number)) || ::lseek(body_->file.fd(), static_cast<off_t>(ask.offset), SEEK_SET) < 0))
      session.abort_body(ask.token);
    else if (const auto piece = next_piece(block))
      session.lend_body(ask.token, *piece, body_->over);
    else
      session.abort_body(ask.token);
  }
  ssize_t send_promised(int socket, std::size_t octets) {
    return ::sendfile(socket, body_->file.fd(), nullptr, octets);
  }
  void on(pop3::Session&, const pop3::BodyDone&) { end_body(); }

  void on(pop3::Session& session, const pop3::CommitRequest& ask) {
    std::size_t removed = 0;
    for (const std::uint32_t number : ask.numbers)
      if (::unlinkat(world_.root(), path(number).c_str(), 0) == 0) ++removed;
    world_.unlock(user_);
    session.accept(ask.token, removed);
  }
  void on(pop3::Session&, const pop3::Closed& closed) {
    if (closed.release) world_.unlock(user_);
  }

 private:
  // What is being read. Sessions that send nothing have none.
  struct Body {
    File file;
    Block block;
    pop3::Chunk over = pop3::Chunk::last;
    struct stat state {};
    std::optional<mailwire::DotStuffer> scan;  // of a large message, while all of it was clean
  };

  bool open_file(const std::string& name) {
    if (!body_) body_ = std::make_unique<Body>();
    return body_->file.open(world_.root(), name.c_str(), O_NOFOLLOW);
  }
  bool open(pop3::Session& session, const pop3::RetrieveRequest& ask, const std::string& name) {
    if (open_file(name)) return true;
    session.refuse(ask.token, {pop3::Code::none, "the message is gone"});
    return false;
  }
  std::optional<std::string_view> first_piece(pop3::Session& session, const pop3::RetrieveRequest& ask,
                                              std::size_t room) {
    const auto piece = next_piece(room);
    if (piece)
      session.lend_body(ask.token, *piece, body_->over);
    else
      session.refuse(ask.token, {pop3::Code::sys_temp, "the message cannot be read"});
    return piece;
  }
  void top(pop3::Session& session, const pop3::RetrieveRequest& ask) {
    std::string name = path(ask.number);
    if (const std::string* const known = world_.find_head(name)) {
      session.send_body(ask.token, *known, known->size() < head ? pop3::Chunk::last : pop3::Chunk::more);
    } else if (open(session, ask, name)) {
      if (const auto piece = first_piece(session, ask, head)) world_.keep_head(std::move(name), *piece);
    }
  }

  struct Entry {
    std::string name;  // "cur/..." or "new/..."
    std::string_view unique() const {
      const std::size_t end = name.find_first_of(",:", 4);
      return std::string_view(name).substr(4, end == std::string::npos ? end : end - 4);
    }
  };

  bool list(pop3::Session& session, const pop3::ListRequest& ask) {
    std::vector<Entry> entries;
    scan("new/", entries);
    scan("cur/", entries);
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.name.compare(4, a.name.npos, b.name, 4) < 0; });
    std::vector<pop3::MessageInfo> messages;
    messages.reserve(entries.size());
    std::size_t octets_of_names = 0;
    for (const Entry& entry : entries) octets_of_names += entry.name.size();
    names_.reserve(octets_of_names);
    ends_.reserve(entries.size());
    for (const Entry& entry : entries) {
      names_ += entry.name;
      ends_.push_back(static_cast<std::uint32_t>(names_.size()));
      messages.push_back({octets(entry.name), entry.unique()});
    }
    return session.accept(ask.token, messages) == pop3::Outcome::applied;
  }

  void scan(const char* folder, std::vector<Entry>& entries) {
    alignas(dirent64) char items[32 * 1024];
    File directory;
    if (!directory.open(world_.root(), (user_ + '/' + folder).c_str(), O_DIRECTORY | O_NOFOLLOW)) return;
    for (ssize_t size = 0; (size = ::getdents64(directory.fd(), items, sizeof items)) > 0;) {
      for (const char* at = items; at < items + size;) {
        const auto* const item = reinterpret_cast<const dirent64*>(at);
        at += item->d_reclen;
        if (item->d_name[0] != '.' && item->d_type == DT_REG) entries.push_back({std::string(folder) + item->d_name});
      }
    }
  }

  // All names of the maildrop are in one string: an idle session should be small.
  std::string path(std::uint32_t number) const {
    const std::size_t start = number > 1 ? ends_[number - 2] : 0;
    return user_ + '/' + names_.substr(start, ends_[number - 1] - start);
  }

  // As they are told by the name, or counted.
  std::uint64_t octets(const std::string& name) {
    if (const auto told = number_after(name, ",W=")) return *told;
    pop3::OctetCounter counter;
    if (open_file(user_ + '/' + name))
      for (std::optional<std::string_view> piece; (piece = next_piece(block)) && !piece->empty();) counter.add(*piece);
    end_body();
    return counter.octets();
  }

  // A read that does not fill the room was the last one.
  std::optional<std::string_view> next_piece(std::size_t room) {
    if (!body_->block) body_->block = world_.take_block();
    const ssize_t n = ::read(body_->file.fd(), body_->block.get(), room);
    if (n < 0) return std::nullopt;
    body_->over = static_cast<std::size_t>(n) < room ? pop3::Chunk::last : pop3::Chunk::more;
    const std::string_view piece(body_->block.get(), static_cast<std::size_t>(n));
    if (body_->scan) scan(piece);
    if (body_->over == pop3::Chunk::last) body_->file.close();
    return piece;
  }
  void scan(std::string_view piece) {
    if (body_->scan->clean_prefix(piece) != piece.size()) return body_->scan.reset();
    body_->scan->pass(piece);
    if (body_->over == pop3::Chunk::last && body_->scan->end() == ".\r\n") world_.note_clean(body_->state);
  }
  void end_body() {
    if (body_) world_.give_back(std::move(body_->block));
    body_.reset();
  }

  World& world_;
  std::string user_, names_;
  std::vector<std::uint32_t> ends_;  // of each name in `names_`
  std::unique_ptr<Body> body_;
};

void take_all_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: epoll_maildir HOST:PORT ROOT PASSWORD\n");
    return 2;
  }
  const int root = ::open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) {
    std::perror(argv[2]);
    return 1;
  }
  take_all_descriptors();
  World world(root, argv[3]);
  return epoll::serve(argv[1], world);
}
