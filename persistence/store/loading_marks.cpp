#include "persistence/store/loading_marks.hpp"

#include "runtime/base/invariant.hpp"

#include <algorithm>
#include <charconv>

namespace troupe {

namespace {

constexpr std::size_t line_bytes = 64, first_slot = 1, first_death = 32, deaths_kept = 32;
static_assert(line_bytes * (first_death + deaths_kept) == loading_page_bytes);

constexpr std::array<std::string_view, 3> works{"read", "resume", "list"};

std::string padded(std::string text) {
  text.resize(line_bytes - 1, ' ');
  text += '\n';
  return text;
}

std::string header(std::string_view version) {
  return padded("troupe loading 1 " + std::string(version));
}

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \n"), line.size()));
  const auto word = line.substr(0, line.find_first_of(" \n"));
  line.remove_prefix(word.size());
  return word;
}

std::string named(loading_work work, const run_id& run) {
  return std::string(works.at(static_cast<std::size_t>(work))) + ' ' + to_text(run);
}

/// Work and run, which end both kinds of lines.
std::optional<loading_marks::deaths> named_by(std::string_view line, std::uint32_t times) {
  const auto work = std::find(works.begin(), works.end(), next_word(line));
  const auto run = run_id_from_text(next_word(line));
  if (work == works.end() || !run || !next_word(line).empty())
    return std::nullopt;
  return loading_marks::deaths{*run, static_cast<loading_work>(work - works.begin()), times};
}

/// `times` is 0 for what was being loaded.
std::optional<loading_marks::deaths> parsed(std::string_view line) {
  const auto kind = next_word(line);
  if (kind == "loading")
    return named_by(line, 0);
  if (kind != "died")
    return std::nullopt;
  const auto number = next_word(line);
  std::uint32_t times = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), times);
  if (read.ec != std::errc{} || times == 0)
    return std::nullopt;
  return named_by(line, std::min(times, loading_deaths_max));
}

} // namespace

std::string loading_page_after(std::string_view found, std::string_view version) {
  std::vector<loading_marks::deaths> all, loading;
  const auto same = [](const loading_marks::deaths& a) {
    return [&a](const loading_marks::deaths& b) { return a.run == b.run && a.work == b.work; };
  };
  if (found.size() == loading_page_bytes && found.starts_with(header(version)))
    for (std::size_t at = line_bytes; at < found.size(); at += line_bytes)
      if (const auto line = parsed(found.substr(at, line_bytes))) {
        auto& list = line->times == 0 ? loading : all;
        if (std::none_of(list.begin(), list.end(), same(*line)))
          list.push_back(*line);
      }
  for (const auto& each : loading) {
    const auto known = std::find_if(all.begin(), all.end(), same(each));
    const auto before = known == all.end() ? 0 : known->times;
    if (known != all.end())
      all.erase(known);
    all.insert(all.begin(), {each.run, each.work, std::min(before + 1, loading_deaths_max)});
  }
  // Where there are too many, those that died most stay, and of these the newest.
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.times > b.times; });
  all.resize(std::min(all.size(), deaths_kept));
  auto page = header(version);
  for (std::size_t i = first_slot; i < first_death; ++i)
    page += padded({});
  for (const auto& each : all)
    page += padded("died " + std::to_string(each.times) + ' ' + named(each.work, each.run));
  while (page.size() < loading_page_bytes)
    page += padded({});
  return page;
}

loading_marks::loading_marks(std::string_view page, keeper keep) : keep_(std::move(keep)) {
  check(page.size() == loading_page_bytes, "a page of marks has its size");
  for (std::size_t line = first_death; line < first_death + deaths_kept; ++line)
    if (const auto one = parsed(page.substr(line * line_bytes, line_bytes));
        one && one->times > 0) {
      found_.push_back(*one);
      if (one->times >= loading_deaths_max)
        given_up_.push_back(one->run);
      else
        suspects_.push_back({*one, line});
    }
  suspects_left_ = suspects_.size();
}

std::unique_ptr<loading_mark> loading_marks::begin(const run_id& run, loading_work work) {
  return given_up(run) ? nullptr : std::make_unique<loading_mark>(*this, run, work);
}

bool loading_marks::given_up(const run_id& run) const noexcept {
  return std::find(given_up_.begin(), given_up_.end(), run) != given_up_.end();
}

bool loading_marks::suspected(const run_id& run) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(suspects_.begin(), suspects_.end(),
                     [&](const suspect& each) { return each.what.run == run; });
}

/// Begins at a place that the run chooses, so that threads seldom want the same.
std::optional<std::size_t> loading_marks::take_slot(const run_id& run) {
  for (std::size_t i = 0; i < slots; ++i) {
    const auto at = (run.id.bytes.back() + i) % slots;
    if (!taken_[at].exchange(true))
      return at;
  }
  return std::nullopt;
}

void loading_marks::write(std::size_t line, std::string text) const {
  keep_(line * line_bytes, padded(std::move(text)));
}

void loading_marks::survived(const run_id& run, loading_work work) {
  if (suspects_left_ == 0)
    return;
  const std::lock_guard lock(mutex_);
  const auto at = std::find_if(suspects_.begin(), suspects_.end(), [&](const suspect& each) {
    return each.what.run == run && each.what.work == work;
  });
  if (at == suspects_.end())
    return;
  write(at->line, {});
  suspects_.erase(at);
  suspects_left_ = suspects_.size();
}

loading_mark::loading_mark(loading_marks& owner, const run_id& run, loading_work work)
    : owner_(owner), run_(run), work_(work) {
  if (owner_.suspects_left_ > 0) {
    if (owner_.suspected(run))
      alone_ = std::unique_lock(owner_.alone_);
    else
      beside_others_ = std::shared_lock(owner_.alone_);
  }
  slot_ = owner_.take_slot(run);
  if (slot_)
    owner_.write(first_slot + *slot_, "loading " + named(work, run));
}

loading_mark::~loading_mark() {
  if (slot_) {
    owner_.write(first_slot + *slot_, {});
    owner_.taken_[*slot_] = false;
  }
  owner_.survived(run_, work_);
}

} // namespace troupe
