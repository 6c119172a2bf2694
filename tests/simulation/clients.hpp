// Who uses the cluster: starts, signals, cancels and decides, at any node, until it is answered.
#pragma once

#include "tests/simulation/checks.hpp"
#include "tests/simulation/process.hpp"
#include "tests/simulation/stage.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::test {

class clients {
public:
  /// `any`: a process that runs now; nothing when there is none.
  using picker = std::function<process*()>;
  clients(stage& on, checks& watch, picker any) : stage_(on), watch_(watch), any_(std::move(any)) {}

  /// Saves workflows; the rest begins when they are there.
  void begin(std::size_t workflows);
  /// Does something new.
  void act();
  /// Answers whoever waits for a person: signals and reviews.
  void attend();
  bool ready() const noexcept { return saved_ == definitions_.size(); }
  /// Nothing waits for an answer.
  bool quiet() const noexcept { return waiting_ == 0; }
  /// What was acknowledged, against what is stored now.
  void settle_accounts() const;

private:
  /// nullptr: it was acknowledged. True: it is the first answer that counts.
  using outcome = std::function<bool(const failure* why)>;
  using attempt = std::function<void(process&, outcome)>;
  struct errand {
    attempt what;
    bool done = false;
    std::uint64_t tries = 0;
  };
  void run(attempt what);
  void go(const std::shared_ptr<errand>& one);
  void save_next();
  void start();
  void command(const run_id& run, commands::any what, std::string message_id);
  const run_id* any_run();

  stage& stage_;
  checks& watch_;
  picker any_;
  std::vector<std::pair<std::string, json::value>> definitions_;
  std::size_t saved_ = 0, waiting_ = 0;
  std::uint64_t next_ = 0, starts_ = 0;
  std::map<std::string, run_id> started_; ///< by key, acknowledged
  std::vector<run_id> known_;
  std::vector<std::pair<run_id, std::string>> signalled_; ///< acknowledged
};

} // namespace troupe::test
