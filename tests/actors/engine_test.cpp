#include "tests/actors/support.hpp"

#include <set>

namespace troupe {

using namespace test;

TEST(Engine, RunsAChainToItsEndAndAnswersIt) {
  node n;
  const auto id = n.save(echo_chain(10));
  const auto done = n.run(id, R"({"name":"Ann"})");
  ASSERT_TRUE(done) << done.error().code << done.error().message;
  EXPECT_TRUE(done->finished);
  EXPECT_EQ(done->status, "success");
  const auto shown = *json::parse(*done->execution);
  EXPECT_EQ(json::text_or(shown, "status", ""), "success");
  EXPECT_EQ(shown.at("steps").as_array().size(), 10u);
  EXPECT_EQ(json::text_or(shown.at("steps").at(9).at("output"), "from", ""), "Ann");
  EXPECT_EQ(n.lists.status_of(done->id), "success");
  EXPECT_EQ(n.status(done->id), "success");
}

TEST(Engine, CommitsEachStepBeforeTheNext) {
  node n;
  const auto done = n.run(n.save(echo_chain(10)));
  ASSERT_TRUE(done);
  waiting<event_page> events;
  n.it->events(done->id, 0, 500, events.answer());
  const auto page = events.get();
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->terminal);
  std::size_t scheduled = 0;
  sequence_number seq = 0;
  for (const auto& text : page->items) {
    const auto e = *json::parse(text);
    EXPECT_EQ(e.at("seq").to_number<std::uint64_t>(), ++seq);
    EXPECT_EQ(json::text_or(e, "hash", "").size(), 64u);
    scheduled += json::text_or(e, "kind", "") == "node_scheduled" ? 1 : 0;
  }
  EXPECT_EQ(scheduled, 10u);
  EXPECT_GE(n.store.head(done->at.partition).applied, 11u);
}

TEST(Engine, RefusesUnknownWorkflowsAndRuns) {
  node n;
  const auto none = n.run("nothing");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, "workflow_not_found");
  const auto cancelled =
      n.command(make_run_id(n.clock.now(), partition_id{2}, 7), commands::cancel{"", ""});
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().kind, failure_kind::not_found);
}

TEST(Engine, RefusesAnInvalidDefinitionUnlessItIsADraft) {
  node n;
  const auto broken = R"({"name":"x","steps":[{"step_id":"a","skill_type":"no_such_skill"}]})";
  waiting<workflow_ptr> strict, draft;
  n.it->save_workflow({}, *json::parse(broken), false, {}, strict.answer());
  const auto refused = strict.get();
  ASSERT_FALSE(refused);
  EXPECT_FALSE(refused.error().node_errors.empty());
  n.it->save_workflow({}, *json::parse(broken), true, {}, draft.answer());
  const auto kept = draft.get();
  ASSERT_TRUE(kept);
  const auto run = n.run((*kept)->id);
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().code, "workflow_invalid");
}

TEST(Engine, KeepsVersionsAndChecksThem) {
  node n;
  const auto id = n.save(echo_chain(1));
  waiting<workflow_ptr> second, stale, back;
  n.it->save_workflow(id, *json::parse(echo_chain(2)), false, 1, second.answer());
  const auto two = second.get();
  ASSERT_TRUE(two);
  EXPECT_EQ((*two)->version, 2u);
  n.it->save_workflow(id, *json::parse(echo_chain(3)), false, 1, stale.answer());
  const auto conflict = stale.get();
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().kind, failure_kind::precondition);
  n.it->activate_workflow(id, 1, back.answer());
  ASSERT_TRUE(back.get());
  EXPECT_EQ(n.it->workflow(id)->version, 1u);
  EXPECT_EQ(n.it->workflow(id, 2)->version, 2u);
  n.reopen();
  EXPECT_EQ(n.it->workflow(id)->version, 1u);
  EXPECT_EQ(n.it->workflow_versions(id).size(), 2u);
}

TEST(Engine, AnswersARepeatedStartWithTheSameRun) {
  node n;
  const auto id = n.save(echo_chain(2));
  start_request what;
  what.workflow_id = id;
  what.input = share(json::object{});
  what.idempotency_key = "k1";
  what.body_digest = "d1";
  what.wait = milliseconds(5'000);
  const auto first = n.start(what);
  ASSERT_TRUE(first);
  n.reopen();
  const auto again = n.start(what);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->id, first->id);
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->status, "success");
  what.body_digest = "other";
  const auto misused = n.start(what);
  ASSERT_FALSE(misused);
  EXPECT_EQ(misused.error().code, "idempotency_key_reused");
}

TEST(Engine, GoesOnAfterACrashWithoutRepeatingFinishedSteps) {
  std::atomic<int> calls{0};
  node n({},
         [&](const http::outgoing_request& r) -> std::optional<result<http::incoming_response>> {
           ++calls;
           if (r.url.find("second") != std::string::npos && calls.load() == 2)
             return std::nullopt; // hangs until the crash
           return http_answer(200);
         });
  const auto id = n.save(
      R"({"name":"two","steps":[
        {"step_id":"a","skill_type":"http_request","parameters":{"url":"http://t/first"}},
        {"step_id":"b","skill_type":"http_request","depends_on":["a"],
         "parameters":{"url":"http://t/second"}}]})");
  const auto begun = n.run(id, "{}", milliseconds(0));
  ASSERT_TRUE(begun);
  ASSERT_TRUE(n.http.wait_for_calls(2));
  n.reopen();
  ASSERT_TRUE(n.becomes(begun->id, "success"));
  const auto requests = n.http.requests();
  ASSERT_EQ(requests.size(), 3u);
  const auto key = [&](std::size_t i) {
    for (const auto& [name, v] : requests[i].headers)
      if (name == "Idempotency-Key")
        return v;
    return std::string();
  };
  EXPECT_NE(requests[1].url.find("second"), std::string::npos);
  EXPECT_EQ(key(1), key(2));
  EXPECT_NE(key(0), key(1));
}

TEST(Engine, RunsAWorkflowThatWasDeletedToItsEndFromItsStoredDefinition) {
  node n;
  const auto done = n.run(n.save(echo_chain(3)));
  ASSERT_TRUE(done);
  waiting<done_at> gone;
  n.it->delete_workflow(
      std::string(json::text_or(*json::parse(*done->execution), "workflow_id", "")), gone.answer());
  ASSERT_TRUE(gone.get());
  n.reopen();
  EXPECT_EQ(n.status(done->id), "success");
}

TEST(Engine, CancelAbortsTheCallUnderWay) {
  node n({}, [](const auto&) { return std::nullopt; });
  const auto begun = n.run(n.save(http_step()), "{}", milliseconds(0));
  ASSERT_TRUE(begun);
  ASSERT_TRUE(n.http.wait_for_calls(1));
  ASSERT_TRUE(n.command(begun->id, commands::cancel{"enough", "me"}));
  EXPECT_EQ(n.status(begun->id), "cancelled");
  EXPECT_TRUE(eventually([&] { return n.http.aborted() == 1; }));
  const auto again = n.command(begun->id, commands::cancel{"", ""});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, failure_kind::conflict);
}

TEST(Engine, WakesASleepingRunOnTimeAndNotBefore) {
  node n;
  const auto id = n.save(
      R"({"name":"sleep","edges":[],"nodes":[{"id":"w","name":"w","type":"FLOW","subtype":"WAIT",
          "parameters":{"wait_type":"fixed_delay","duration_seconds":3600}}],
          "settings":{"timeout_seconds":86400}})");
  const auto begun = n.run(id, "{}", milliseconds(0));
  ASSERT_TRUE(begun);
  ASSERT_TRUE(n.becomes(begun->id, "waiting"));
  ASSERT_TRUE(n.it->move_clock(json::object{{"advance_seconds", 3'590}}));
  EXPECT_EQ(n.status(begun->id), "waiting");
  n.reopen();
  EXPECT_EQ(n.status(begun->id), "waiting");
  ASSERT_TRUE(n.it->move_clock(json::object{{"advance_seconds", 11}}));
  EXPECT_TRUE(n.becomes(begun->id, "success"));
}

TEST(Engine, SurvivesACrashOfARunsActor) {
  node n({}, [](const auto&) { return std::nullopt; });
  const auto begun = n.run(n.save(http_step()), "{}", milliseconds(0));
  ASSERT_TRUE(begun);
  ASSERT_TRUE(n.http.wait_for_calls(1));
  ASSERT_TRUE(n.it->fault(json::object{{"kind", "crash"}, {"actor", "run:" + to_text(begun->id)}}));
  const auto during = n.command(begun->id, commands::pause{"me"});
  EXPECT_FALSE(during);
  ASSERT_TRUE(n.it->move_clock(json::object{{"advance_seconds", 2}}));
  ASSERT_TRUE(n.http.wait_for_calls(2)) << "the interrupted attempt was not made again";
  n.http.answer(1, http_answer(200));
  EXPECT_TRUE(n.becomes(begun->id, "success"));
}

TEST(Engine, AnswersStorageFullAndGoesOnWhenThereIsSpaceAgain) {
  node n;
  const auto id = n.save(echo_chain(2));
  n.store.fail_next(1);
  const auto refused = n.run(id);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, failure_kind::storage_full);
  const auto fine = n.run(id);
  ASSERT_TRUE(fine) << fine.error().code;
  EXPECT_EQ(fine->status, "success");
}

TEST(Engine, RunsAChildAndTellsItsParent) {
  node n;
  const auto child = n.save(echo_chain(2));
  const auto parent = n.save(
      R"({"name":"p","edges":[],"nodes":[{"id":"c","name":"c","type":"SUBWORKFLOW",
          "subtype":"SUBWORKFLOW","parameters":{"workflow_id":")" +
      child + R"(","input":{"name":"Bo"}}}]})");
  const auto done = n.run(parent);
  ASSERT_TRUE(done) << done.error().code << done.error().message;
  EXPECT_EQ(done->status, "success");
}

TEST(Engine, HoldsBackWhatIsOverTheLimitOfAWorkflow) {
  node n({}, [](const auto&) { return std::nullopt; });
  auto definition = json::parse(http_step())->as_object();
  definition["settings"] = json::object{{"max_concurrent_executions", 2}};
  const auto id = n.save(json::write(definition));
  std::vector<run_id> runs;
  for (int i = 0; i < 5; ++i) {
    const auto begun = n.run(id, "{}", milliseconds(0));
    ASSERT_TRUE(begun);
    runs.push_back(begun->id);
  }
  ASSERT_TRUE(n.http.wait_for_calls(2));
  std::map<std::string, int> seen;
  for (const auto& run : runs)
    ++seen[n.status(run)];
  EXPECT_EQ(seen["queued"], 3);
  for (std::size_t i = 0; i < 5; ++i) {
    ASSERT_TRUE(n.http.wait_for_calls(i + 1));
    EXPECT_LE(n.http.requests().size(), i + 2);
    n.http.answer(i, http_answer(200));
  }
  for (const auto& run : runs)
    EXPECT_TRUE(n.becomes(run, "success"));
}

TEST(Engine, PurgeRemovesARunForGood) {
  node n;
  const auto done = n.run(n.save(echo_chain(2)));
  ASSERT_TRUE(done);
  waiting<done_at> purged;
  n.it->purge({done->id}, purged.answer());
  ASSERT_TRUE(purged.get());
  EXPECT_EQ(json::text_or(n.read(done->id), "code", ""), "execution_not_found");
  EXPECT_EQ(n.lists.status_of(done->id), "");
}

TEST(Engine, ReplayIsEqualToTheStateInForce) {
  node n;
  const auto done = n.run(n.save(echo_chain(5)));
  ASSERT_TRUE(done);
  waiting<json::value> replayed;
  n.it->replay(done->id, true, replayed.answer());
  const auto same = replayed.get();
  ASSERT_TRUE(same) << same.error().code << same.error().message;
  EXPECT_TRUE(same->at("equal").as_bool());
  EXPECT_TRUE(same->at("decisions_equal").as_bool()) << json::write(*same);
}

TEST(Engine, GivesSubscribersEveryEventOnceInOrder) {
  struct listener final : subscriber {
    bool on_event(const run_id&, sequence_number seq, std::string_view,
                  const std::shared_ptr<const std::string>&) override {
      const std::lock_guard lock(mutex);
      seqs.push_back(seq);
      return true;
    }
    bool on_live(const run_id&, std::string_view,
                 const std::shared_ptr<const std::string>&) override {
      return true;
    }
    void on_end(const run_id&) override { ended.set_value(); }
    std::mutex mutex;
    std::vector<sequence_number> seqs;
    std::promise<void> ended;
  };
  node n({}, [](const auto&) { return std::nullopt; });
  const auto begun = n.run(n.save(http_step()), "{}", milliseconds(0));
  ASSERT_TRUE(begun);
  auto who = std::make_shared<listener>();
  const auto handle = n.it->subscribe(begun->id, 0, who);
  ASSERT_TRUE(n.http.wait_for_calls(1));
  n.http.answer(0, http_answer(200));
  ASSERT_EQ(who->ended.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  for (std::size_t i = 0; i < who->seqs.size(); ++i)
    EXPECT_EQ(who->seqs[i], i + 1);
  EXPECT_GE(who->seqs.size(), 4u);
}

} // namespace troupe
