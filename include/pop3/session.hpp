// SPDX-License-Identifier: MIT
#ifndef POP3_SESSION_HPP
#define POP3_SESSION_HPP

// pop3::Session: one connection of a POP3 server (RFC 1939, 2449, 2595, 5034, 6856), without any I/O.
//
// THEORY OF OPERATION
//
// A session has four faces:
//
//   octets in     input_buffer() / commit_input(), or receive(); end_of_input(), disconnect()
//   decisions     poll() gives an event; every request among them is answered once: accept, refuse, ...
//   octets out    output() / gather(), then consume_output(); or copy_output()
//   time          poll(now) brings it, deadline() says when poll() is due without any other reason
//
// Whoever moves the octets is the driver. All there is to it:
//
//   for (;;) {
//     while (auto event = session.poll(now())) answer(*event);        // now or later
//     if (session.finished()) break;
//     send session.output() if there is any, then session.consume_output(how much was sent);
//     (else session.promised_output(), if you call promise_body())
//     else read into session.input_buffer() if its size is not 0, then session.commit_input(how much was read);
//     wait for whatever comes first: the socket, an answer, session.deadline()     // and session.trim() before
//   }
//
// The one law: after anything has happened, poll() until it returns nothing, then look at output(), input_buffer() and
// deadline(). Calls may come in any order and at any time. One question is open at a time, since POP3 answers in order:
// pipelined commands wait in the input, bounded by Limits::input_buffer, and TCP pushes back.
//
//   state           commands that are taken                                     what leads on
//   authorization   USER PASS APOP AUTH STLS UTF8 LANG CAPA QUIT                a ListRequest accepted -> transaction
//   transaction     STAT LIST RETR DELE NOOP RSET TOP UIDL LANG CAPA QUIT       QUIT -> update
//   update          none: CommitRequest is open                                 its answer -> closed
//   closed          none: what is queued leaves, then Closed comes              every end of a session
//
// A login is one question for AuthRequest, DigestRequest or ScramRequest, several for a SaslRequest, then ListRequest.
// STLS: its +OK leaves, then TlsRequest comes, and input_buffer() has no room meanwhile. What the client said before
// (a user's name, UTF8, LANG) is forgotten, and no octet that came before TLS is ever looked at after it.
//
// Who holds the maildrop: the application locks it while it answers ListRequest, and releases it exactly once:
//   - at once, if accept(ListRequest) gave anything but Outcome::applied, or there is no session any more to accept it;
//   - when it has worked off a CommitRequest, whatever becomes of the answer;
//   - at Closed with `release == true` otherwise.
//
// What goes out depends on the octets, the answers and the times, never on how the octets were cut. Memory is bounded
// by Limits and the listing, whatever the peer does. Nothing is thrown, printed, locked, or read from a clock. One
// session must not be used by two threads at once, so an answer that is found elsewhere is handed, with its token, to
// the thread of the session; different sessions share nothing but their const Config.
//
// Where new throws std::bad_alloc, it comes out of the call that needed memory, whose work is half done then, and the
// session is of no use any more: drop the connection. Either destroy the session and release the maildrop, if you hold
// it; or disconnect() and poll() until Closed, as ever: neither needs memory, but for a trace. Call nothing else. An
// accept(ListRequest) that threw has not taken the maildrop over.
// Without exceptions nothing catches what new throws, so the process ends.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "../mailwire/byte_buffer.hpp"
#include "../mailwire/dot_stuffer.hpp"
#include "../mailwire/line_reader.hpp"
#include "../mailwire/macros.hpp"
#include "../mailwire/output_queue.hpp"
#include "config.hpp"
#include "detail/capabilities.hpp"
#include "detail/command.hpp"
#include "detail/maildrop.hpp"
#include "detail/top_cut.hpp"
#include "events.hpp"
#include "types.hpp"

namespace mailwire {
inline namespace v1 {
struct ScramKeys;  // scram.hpp
enum class ScramHash : std::uint8_t;
}  // namespace v1
}  // namespace mailwire

namespace pop3 {
inline namespace v1 {

namespace detail {
struct Authentication;
struct Extras;
}  // namespace detail

class Session {
 public:
  // `config` is read for as long as the session lives.
  explicit Session(const Config& config, Connection connection = {});
  explicit Session(const Config&&, Connection = {}) = delete;  // a temporary would dangle
  Session(const Session&) = delete;                            // events point into it: it stays put
  Session& operator=(const Session&) = delete;
  ~Session();

  // ---- octets in ------------------------------------------------------------------------------------------------
  // Room to read into; size 0 = do not read now (full, or over). It stays where it is until commit_input(), so an
  // asynchronous read may be under way meanwhile.
  MutableBuffer input_buffer();
  // `n` octets were read; 0 = none, the read was given up. n <= the size of that room.
  void commit_input(std::size_t n);
  // The same with a copy. Returns how many octets were taken: those that are left come again after poll().
  [[nodiscard]] std::size_t receive(std::string_view octets);
  // The peer will send no more. Complete lines that came before are still served, then the session closes; a line
  // without its end is no command. Nothing is removed unless QUIT was among them.
  void end_of_input();
  // The connection is gone in both directions: nothing more is served or sent. No write may be under way.
  void disconnect();
  bool wants_input() const noexcept;  // input_buffer() would have room

  // ---- decisions ------------------------------------------------------------------------------------------------
  // Does all the work there is and returns the next event, or nothing. The only place where time enters; a `now`
  // before the last one counts as the last one. After it returned nothing, deadline() is later than `now`, or none.
  [[nodiscard]] std::optional<Event> poll(TimePoint now);
  // The request that was returned by poll() and is not answered yet, or null.
  const Event* pending() const noexcept;

  // The maildrop wanted is that of `user`, if it is not empty, else that of the request's. `invalid`: the request has
  // an authzid and `user` is empty, so nobody has said that the client may act as that; it is refused with [AUTH].
  Outcome accept(Token<AuthRequest>, std::string_view user = {});
  Outcome accept(Token<DigestRequest>, std::string_view user = {});
  // The keys are copied. Whether the client has them turns out later: the login goes on, or LoginFailed comes. Also
  // `invalid`: keys of another hash, or no salt, or no iterations; the client is told [SYS/PERM].
  Outcome accept(Token<ScramRequest>, const mailwire::ScramKeys& keys, std::string_view user = {});
  Outcome challenge(Token<SaslRequest>,
                    std::string_view data);  // raw octets; the client's answer comes as a SaslRequest
  // `data`: octets that the mechanism sends with its success (RFC 5034, 4: as a last challenge). `user` empty:
  // `invalid`.
  Outcome accept(Token<SaslRequest>, std::string_view user, std::string_view data = {});
  // Copies sizes and unique-ids. `invalid`: more than Limits::messages, sizes over 2^64-1 octets in all, a unique-id
  // that is missing (unless Config::uidl is off), outside RFC 1939, 7, or there twice (Config::equal_uids): the peer is
  // told [SYS/PERM] then; or Account::last_login is too recent: [LOGIN-DELAY]. Anything but `applied`: the maildrop was
  // not taken over, unlock it.
  [[nodiscard]] Outcome accept(Token<ListRequest>, Listing messages, const Account& account = {});
  Outcome accept(Token<RetrieveRequest>);  // chunks follow, each asked for by a BodyRequest
  Outcome accept(Token<CommitRequest>);    // all numbers were removed
  // Only so many were: fewer than asked for make an -ERR that says so (RFC 1939, 6). `invalid`: more than asked for.
  Outcome accept(Token<CommitRequest>, std::size_t removed);
  // Only these were, in whatever order. `invalid`: one that was not asked for, or one twice.
  Outcome accept(Token<CommitRequest>, Numbers removed);

  // TLS is up. Octets that came before it are gone, and a read in the clear that is still under way is dropped.
  Outcome accept(Token<TlsRequest>, const TlsFacts& facts = {});
  Outcome accept(Token<CommandRequest>, std::string_view text = {});  // "+OK text"
  // The session carries the command out, or, if the verb is not one of its own, says that it is unknown.
  Outcome proceed(Token<CommandRequest>);

  // A login refused without a code counts as wrong credentials: [AUTH].
  Outcome refuse(Token<AuthRequest>, Refusal why = {});
  Outcome refuse(Token<DigestRequest>, Refusal why = {});
  Outcome refuse(Token<ScramRequest>, Refusal why = {});
  Outcome refuse(Token<SaslRequest>, Refusal why = {});
  Outcome refuse(Token<ListRequest>, Refusal why = {});
  Outcome refuse(Token<RetrieveRequest>, Refusal why = {});
  Outcome refuse(Token<BodyRequest>, Refusal why = {});    // as abort_body: it is too late for a text
  Outcome refuse(Token<CommitRequest>, Refusal why = {});  // nothing was removed
  Outcome refuse(Token<TlsRequest>, Refusal why = {});     // the handshake failed: the session is over, without a word
  Outcome refuse(Token<CommandRequest>, Refusal why = {});

  // The next octets of a message, cut anywhere, even inside a CRLF, and of any size. Dots are doubled, line ends
  // repaired (Config::body_lines) and the end is written by the session. send_ takes the octets over. lend_ only looks
  // at them: they must stay until the next BodyRequest or BodyDone, and, if the driver writes asynchronously, until
  // the write under way is over.
  Outcome send_body(Token<RetrieveRequest>, std::string chunk, Chunk last);
  Outcome send_body(Token<BodyRequest>, std::string chunk, Chunk last);
  Outcome send_body(Token<CommandRequest>, std::string chunk, Chunk last);
  Outcome lend_body(Token<RetrieveRequest>, std::string_view chunk, Chunk last);
  Outcome lend_body(Token<BodyRequest>, std::string_view chunk, Chunk last);
  Outcome lend_body(Token<CommandRequest>, std::string_view chunk, Chunk last);
  // The whole message, unseen: so many octets that the driver itself sends when promised_output() says so, by
  // sendfile() for example. They have to be fit for the wire already: every line, the last one too, ends with CRLF, and
  // none begins with a dot. `invalid`, and the peer is refused: it is a TOP, which the session has to cut.
  Outcome promise_body(Token<RetrieveRequest>, std::size_t octets);
  // The message cannot be completed: the session closes without the final dot, so that the peer sees it cut short.
  Outcome abort_body(Token<BodyRequest>);
  template <class Request, class String, class = std::enable_if_t<std::is_same_v<String, std::string>>>
  Outcome lend_body(Token<Request>, String&&, Chunk) = delete;  // a temporary would dangle

  // ---- octets out -----------------------------------------------------------------------------------------------
  // What these two return stays valid and unchanged until consume_output(), whatever else is called in between. To look
  // without sending: wants_output(). Nothing comes of them while octets of promise_body() are next.
  std::string_view output();                               // the first run; empty = nothing to send
  std::size_t gather(ConstBuffer* runs, std::size_t max);  // at most 4 runs, for writev or Asio
  // `n` octets were sent; 0 = none, the write failed or was given up. n <= what was returned.
  void consume_output(std::size_t n);
  // How many octets of promise_body() come next, behind what output() and gather() give. When those give nothing it is
  // their turn: send them, as many as you like at a time, and count them with consume_output(). Whoever cannot:
  // disconnect(). As with output(), what was asked for may be under way: it stays until consume_output().
  std::size_t promised_output();
  // Copies up to `room` octets of output to one block and consumes them: for TLS records. Returns how many.
  std::size_t copy_output(char* to, std::size_t room);
  bool wants_output() const noexcept;  // there is something to send

  // ---- time, end, facts -----------------------------------------------------------------------------------------
  // When poll() is due at the latest; the time of the last poll() if something has happened since; none = only octets
  // or an answer can make it due. A write that is still under way then is to be given up (consume_output(0)) before it.
  std::optional<TimePoint> deadline() const noexcept;
  bool finished() const noexcept;  // Closed was returned: destroy the session
  // Ends the session in good order: "-ERR [SYS/TEMP] ..." unless a multi-line answer is under way, which ends without
  // its dot. Before the first poll() it refuses the connection. A QUIT that is being committed is waited for. What is
  // queued still leaves: with a peer that reads nothing that takes up to Limits::write_stall, unless disconnect()
  // follows.
  void shutdown(Refusal why = {});
  // Gives back buffers that are empty, so that an idle session holds none. To be called before a long wait; the room of
  // a read that is under way stays.
  void trim() noexcept;
  State state() const noexcept;
  bool encrypted() const noexcept;
  bool utf8() const noexcept;                  // the client said UTF8
  std::string_view language() const noexcept;  // the tag that LANG selected; empty = none
  TlsFacts tls() const noexcept;               // as handed in; views live until the session hears of TLS again
  Counters counters() const noexcept;
  // As listed; nothing (size 0, no uid) if there is no such number. The uid lives as long as the session.
  MessageInfo message(std::uint32_t number) const noexcept;
  bool is_marked(std::uint32_t number) const noexcept;  // by DELE; false if there is no such number
  // While a TlsRequest is open: the octets that came behind STLS, for the TLS layer. A client that keeps to RFC 2595
  // has sent none, or the start of its handshake; anything else makes that fail. They live until the request is
  // answered.
  std::string_view unread_input() const noexcept;

  // ---- what CAPA says on this connection -----------------------------------------------------------------------
  // Adds a line, or changes the one with its tag. False, and nothing happens: it breaks the grammar (RFC 2449, 3), or
  // speaks of what only the session knows.
  bool announce(std::string_view line);
  void conceal(std::string_view tag);  // leaves that line out, whatever works

  // ---- trace ----------------------------------------------------------------------------------------------------
  // What went over the wire and what was asked and answered since the last call, if Config::trace is on: lines of
  // printable ASCII in the format of a dialogue (tests/dialogue.hpp), each with LF. Passwords, digests, tokens and
  // everything that may be one show as "***", octets of messages as their count.
  std::string take_trace();

 private:
  Session(const Config& config, SessionId id, bool encrypted) noexcept;

  // What the session does next by itself.
  enum class Activity : std::uint8_t {
    greet,     // nothing was sent yet
    commands,  // takes the next line
    sasl,      // takes the next line as a response
    hold,      // a failed login's reply waits for its time
    tls,       // STLS was answered
    listing,   // writes LIST or UIDL
    body,      // writes a message
    close,     // lets the output leave
    closed,    // Closed is to be told
    over,
  };
  // How a session closes.
  enum class Ending : std::uint8_t {
    flush,   // all that is queued is sent
    cut,     // the same without the octets lent by the application, unless a write of them may be under way
    forced,  // nothing can be sent any more
  };

  // What Counters tells, and is not known otherwise.
  struct Tally {
    std::uint64_t octets_in = 0, octets_out = 0, commands = 0, body_octets = 0;
    std::uint32_t bad_commands = 0, failed_logins = 0, logins = 0, retrieved = 0, tops = 0, removed = 0;
    std::array<std::uint32_t, verb_count> by_verb{};
  };

  // session.ipp: time, work, end
  void expire();
  void expire_answer();
  bool step();
  bool release_held_reply();
  bool write_listing();
  bool finish_closing();
  std::optional<Event> next_event() const noexcept;
  void note_told() noexcept;
  bool waits_for_client() const noexcept;
  bool logging_in() const noexcept;
  bool waits_for_handshake() const noexcept;
  Duration answer_limit() const noexcept;
  Duration idle_limit() const noexcept;
  void close(CloseReason reason, Ending ending);
  void close_at_end();
  mailwire::LineLimits line_limits() const noexcept;
  detail::Authentication& authentication();
  detail::Extras& extras();
  void drop_authentication();

  // replies.ipp: what is said, in which language, and the trace of it
  mailwire::ByteBuffer& reply();
  mailwire::ByteBuffer& body_text();
  std::string_view text(Text text) const noexcept;
  bool unicode() const noexcept;
  void say_ok();
  void say_ok(Text what, std::uint64_t one = 0, std::uint64_t two = 0);
  void say_error(Text what, Code code = Code::none, std::uint64_t one = 0, std::uint64_t two = 0);
  void say_refused(const Refusal& why, Code code, Text otherwise);
  void refuse_by_system(const Refusal& why, Text otherwise);
  void close_if_wanted(const Refusal& why);
  void append_trace(std::string_view mark, std::string_view text);
  void trace_line(std::string_view mark, std::string_view text);
  void trace_time();
  void trace_input(std::string_view mark, std::string_view text);
  void trace_command(const detail::Command& command, std::string_view line);
  void trace_response(std::string_view line);
  void trace_replies();
  void trace_event(const Event& event);
  void trace_answer(std::string_view what, std::string_view more = {}, Outcome outcome = Outcome::applied);
  void trace_accept(std::string_view user = {}, Outcome outcome = Outcome::applied);
  void trace_refusal(const Refusal& why);
  void trace_chunk(std::string_view chunk, Chunk last, bool of_command);

  // commands.ipp: one function per command
  bool take_line();
  void take_command(std::string_view line);
  void refuse_line(std::size_t longest, bool hopeless);
  bool is_tolerated(const detail::Command& command) const noexcept;
  bool has_utf8_names(const detail::Command& command) const noexcept;
  void count_broken(const detail::Command& command);
  void count_broken(Rule rule);
  bool known(const detail::Command& command) const noexcept;
  bool allowed_now(Verb verb) const noexcept;
  bool may_execute(const detail::Command& command) const noexcept;
  void execute(const detail::Command& command);
  bool too_many_attempts() const noexcept;
  void bad_command(Text text);
  void user(const detail::Command& command);
  void pass(const detail::Command& command);
  void apop(const detail::Command& command);
  void quit();
  void stat();
  void list(const detail::Command& command);
  void dele(const detail::Command& command);
  void rset();
  void retrieve(const detail::Command& command);
  void capa();
  bool find_message(std::uint64_t number);
  bool readable(std::uint64_t number);
  bool removes_retrieved() const noexcept;
  void list_one(std::uint64_t number);
  void append_entry(mailwire::ByteBuffer& out, std::string_view status, std::uint64_t number);
  void forget_login() noexcept;

  // extensions.ipp: STLS, UTF8, LANG, verbs and capabilities of the application's own
  void stls();
  bool wait_for_tls();
  void utf8_command();
  void lang(const detail::Command& command);
  void list_languages();
  void set_tls_facts(const TlsFacts& facts);
  void forget_client_settings() noexcept;
  const CommandSpec* find_spec(std::string_view verb) const noexcept;
  const Mechanism* find_mechanism(std::string_view name) const noexcept;
  bool observes_all() const noexcept;
  void take_own_command(const CommandSpec& spec, const detail::Command& command, std::string_view line);
  void ask_for_command(const detail::Command& command, std::string_view line, bool known);
  bool waits_for_command() const noexcept;
  detail::CapabilityFacts capability_facts() const noexcept;

  // sasl.ipp: AUTH
  void auth(const detail::Command& command);
  void list_mechanisms();
  void take_response(std::string_view line);
  void sasl_message(std::string_view message);
  void send_challenge(std::string_view data);
  void plain(std::string_view message);
  void login(std::string_view message);
  void cram_md5(std::string_view message);
  void bearer(std::string_view message);
  void external(std::string_view message);
  void anonymous(std::string_view message);
  void scram_first(std::string_view message);
  void scram_final(std::string_view message);
  void own_mechanism(std::string_view message, bool first);
  void malformed_message();
  void ask_password(std::string_view user, std::string_view authzid, std::string_view secret);
  void ask_digest(std::string_view user, std::string_view digest, std::string_view challenge, AuthMethod method);
  void append_nonce(mailwire::ByteBuffer& out);
  void make_challenge();
  bool offers_plus() const noexcept;
  void send_scram_challenge(const mailwire::ScramKeys& keys);
  void scram_failed(LoginFailed::Fault fault);
  void end_exchange() noexcept;
  void exchange_failed(LoginFailed::Fault fault, std::string_view user);
  void report_failure(LoginFailed::Fault fault, AuthMethod method, std::string_view user);

  // answers.ipp: what the application decides
  template <class Request>
  Token<Request> next_token() noexcept;
  template <class Request>
  bool take(Token<Request> token) noexcept;
  void ask(const Event& request);
  bool accept_login(std::string_view claimed, std::string_view authzid, std::string_view user);
  void set_user(std::string_view user);
  void ask_for_list();
  Outcome login_failed(const Refusal& why);
  void fail_login(const Refusal& why);
  void refuse_commit(const Refusal& why);
  void hold_refusal(const Refusal& why, Code code);
  void regret_token();
  template <class Request>
  Outcome lend(Token<Request> token, std::string_view chunk, Chunk last);
  template <class Request>
  Outcome send(Token<Request> token, std::string& chunk, Chunk last);
  template <class Request>
  void begin_body();
  void set_chunk(std::string_view chunk, Chunk last);
  bool write_body();
  void write_chunk();
  void lend_run(std::string_view clean);
  void end_body(bool complete);

  const Config& config_;
  SessionId id_;
  std::uint32_t questions_ = 0;  // asked so far

  State state_ = State::authorization;
  Activity activity_ = Activity::greet;
  Ending ending_ = Ending::flush;
  CloseReason reason_ = CloseReason::quit;
  bool encrypted_;
  bool end_of_input_ = false;
  bool drop_read_ = false;  // the read under way began before TLS
  bool utf8_ = false;
  bool has_nonce_ = false, has_identity_ = false, has_binding_ = false;  // what mechanisms need
  bool has_challenge_ = false;                                           // APOP
  bool read_only_ = false;
  bool maildrop_open_ = false;     // Closed has to say `release`
  bool asked_ = false;             // pending_ is open
  bool told_ = false;              // and was returned by poll()
  bool failed_ = false;            // LoginFailed is to be told
  bool body_done_ = false;         // BodyDone is to be told
  bool body_complete_ = false;     // in it
  bool close_after_hold_ = false;  // Refusal::close of the reply that is held
  bool due_ = true;                // something has happened since poll() returned nothing
  bool was_busy_ = true;           // the peer was not the one to act when poll() ended: every command has a reply
  bool progress_ = true;           // output was consumed, or began to wait, since the last poll()
  bool list_uids_ = false;         // Activity::listing writes UIDL
  bool cut_top_ = false;           // the body is a TOP
  bool chunk_last_ = false, end_written_ = false;
  bool body_cut_ = false;  // the session closed inside a body, BodyDone is still to come
  unsigned bad_in_a_row_ = 0;
  std::uint32_t language_ = 0;  // 1 = the first of Config::languages; 0 = none
  std::uint32_t cursor_ = 0;    // listing: the next number; body: the message

  TimePoint now_{};
  TimePoint began_{}, asked_at_{};
  TimePoint waiting_since_{};  // for the peer: to read if there is output, to say something if there is none

  mailwire::LineReader input_;
  mailwire::OutputQueue output_;
  Event pending_;  // if asked_

  detail::Authentication* auth_ = nullptr;  // until login, from the first word of who it is; while a reply is held
  detail::Extras* extras_ = nullptr;        // what most sessions do without
  detail::Maildrop maildrop_;

  mailwire::DotStuffer stuffer_;
  detail::TopCut top_cut_;
  std::string_view chunk_;    // octets of the chunk not written yet
  std::uint64_t offset_ = 0;  // octets of the body given so far

  Tally counters_;
};

}  // namespace v1
}  // namespace pop3

#ifndef POP3_SEPARATE
#include "impl/answers.ipp"
#include "impl/commands.ipp"
#include "impl/extensions.ipp"
#include "impl/replies.ipp"
#include "impl/sasl.ipp"
#include "impl/session.ipp"
#endif

#endif
