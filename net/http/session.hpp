// One HTTP/1.1 connection: reads requests one after another, hands them to the handlers, writes
// the answers in order. Included by .cpp files of this folder only.
//
//   handshake ─► idle ─► head ─► body ─► handling ─► writing ──┬─► idle …
//                         │  └(100)┘        └► streaming ──────┤
//                         └───(refused)──────► writing ────────┴─► lingering ─► closed
#pragma once

#include "net/http/chunked.hpp"
#include "net/http/core.hpp"
#include "net/http/encode.hpp"
#include "net/http/head.hpp"

#include <array>
#include <memory>
#include <string>

namespace troupe::http::detail {

class event_stream;

/// Owned by the core's list until it closes, then by pending reads and writes. Io thread only.
class session final : public connection, public std::enable_shared_from_this<session> {
public:
  session(std::shared_ptr<core> home, admission slot, wire w, std::string remote_address);
  void start();
  /// Answers 503 and closes, without reading a request.
  void start_refusing();

  /// Answers request number `number`; nothing happens when it is not under way any more.
  void answer(std::uint64_t number, response what);
  void answer_problem(std::uint64_t number, const refusal& why);
  void begin_stream(std::uint64_t number, response head, std::shared_ptr<event_stream> source);
  /// Writes what the stream has queued, as soon as the write before is done.
  void flush_stream();
  void set_abort(std::uint64_t number, std::function<void()> gone);

  /// Goes on with a body that waits for memory. `exempt`: to its end, whatever the budget says.
  void resume(bool exempt);
  bool waits_for_memory() const noexcept { return paused_; }
  bool urgent() const noexcept { return urgent_; }

  void tick(steady_time now) override;
  void stop_soon() override;
  void close_now() override;

private:
  enum class at {
    handshake,
    idle,
    head,
    continuing,
    body,
    handling,
    writing,
    streaming,
    lingering,
    closed
  };

  // session_read.cpp
  void read();
  bool make_room();
  void on_read(error_code ec, std::size_t bytes);
  void on_read_end(error_code ec);
  void advance();
  bool advance_head();
  bool advance_body();
  bool begin_body();
  bool refuse_by_head(response refused);
  void dispatch();
  bool upgrade();
  void wait_for_more();
  void on_deadline();
  std::string_view buffered() const { return {in_.get() + in_begin_, in_end_ - in_begin_}; }

  // session_pause.cpp
  bool may_read_body();
  void pause();
  void end_of_body();
  void grow_body(std::size_t more);
  void count_input();
  void hold_body(); ///< a large body counts for itself from now on
  bool ends_work() const;

  // session.cpp
  void refuse(const refusal& why);
  void send(response what, bool close);
  void send_continue();
  void write();
  void on_written(error_code ec, std::size_t bytes);
  void finished();
  void linger();
  void peer_gone();
  void set_deadline(std::chrono::milliseconds after) {
    deadline_ = std::chrono::steady_clock::now() + after;
  }

  std::shared_ptr<core> home_;
  admission slot_;
  wire wire_;
  std::string remote_address_;
  at at_ = at::handshake;
  bool read_pending_ = false, write_pending_ = false, peer_ended_ = false, close_after_ = false;
  bool paused_ = false, exempt_ = false, urgent_ = false; ///< of the body: session_pause.cpp
  steady_time deadline_ = no_deadline, pause_until_ = no_deadline;

  std::unique_ptr<char[]> in_;
  std::size_t in_size_ = 0, in_begin_ = 0, in_end_ = 0, lingered_ = 0;

  // The request that is read or handled.
  head_scanner scanner_;
  head_facts facts_;
  request request_;
  request shown_; ///< its head, for problem() and decorate() once `request_` was handed on
  std::uint64_t number_ = 0;
  std::size_t body_bytes_max_ = 0, body_paid_ = 0;
  std::unique_ptr<chunked_decoder> chunks_;
  std::function<void()> on_abort_;

  // The answer that is written: `out_`, then the body where it was not copied behind the head.
  std::string out_;
  response held_;
  std::array<asio::const_buffer, 2> unwritten_;
  std::shared_ptr<event_stream> stream_;
  byte_gauge gauge_;
};

} // namespace troupe::http::detail
