#include "store/internal/list_verifier.hpp"

#include "store/internal/unit_table.hpp"

namespace sojourn::store {

namespace {

/// Swept or published in a moment: its units may have no reader.
Result<bool> is_pending(const Transaction& transaction, const ListKey& key) {
    const auto sweep =
        TRY(transaction.get(index_of(FamilyTable::sweeps), make_key(key.branch, key.version)));
    const auto staged = TRY(transaction.get(index_of(FamilyTable::staged), make_key(key.version)));
    return sweep.has_value() || staged.has_value();
}

}  // namespace

Result<void> ListVerifier::work() {
    Bench bench;
    bench.unit.resize(unit_bytes_);
    auto worked = work_at(bench);
    const std::lock_guard lock(mutex_);
    is_at_end_ = true;
    return worked;
}

Result<void> ListVerifier::work_at(Bench& bench) {
    for (;;) {
        const auto transaction = TRY(environment_.read());
        const auto task = TRY(take(transaction));
        if (!task) return {};
        if (!bench.points || bench.points_commit != transaction.commit_number()) {
            bench.points = TRY(ReadPoints::of(transaction));
            bench.points_commit = transaction.commit_number();
        }
        TRY(check(transaction, *task, bench));
    }
}

Result<std::optional<ListVerifier::Task>> ListVerifier::take(const Transaction& transaction) {
    const std::lock_guard lock(mutex_);
    if (is_at_end_) return std::optional<Task>();
    auto list = TRY(next_list(transaction, from_));
    if (!list) return std::optional<Task>();
    from_ = list->key;
    ++from_.sequence;
    for (const UnitRun& run : list->runs)
        unit_count_ += run.count;
    return std::optional(Task{*std::move(list), &findings_.emplace_back()});
}

Result<void> ListVerifier::check(const ReadTransaction& transaction, const Task& task,
                                 Bench& bench) const {
    const auto& [branch, version, sequence] = task.list.key;
    Findings& findings = *task.findings;
    if (TRY(is_pending(transaction, task.list.key))) return {};
    std::uint64_t bytes = 0;
    for (const UnitKey& key : task.list.units()) {
        // From the root each time, as a reader may come: a cursor that stands close by would not
        // notice a damaged way to where it is.
        Cursor pages = transaction.cursor(kPages);
        const auto stored = find_on_branch(transaction, pages, branch, key, version);
        if (!TRY(findings.holds(stored))) continue;
        if (!*stored || (*stored)->at.version != version) {
            findings.report("unit {} of region {} is missing in version {}", plain(key.unit),
                            plain(key.region), plain(version));
            continue;
        }
        const auto value = (*stored)->joined(transaction.scratch());
        if (TRY(findings.holds(value))) {
            bytes += value->size();
            const auto decoded = decode_unit(key, *value, bench.unit);
            if (!decoded.ok())
                findings.report("{}, in version {}", decoded.error().message, plain(version));
        }
        if (!TRY(bench.points->reach(transaction, pages, {branch, key, version}))) {
            findings.report("unit {} of region {} in version {} is read by no checkpoint",
                            plain(key.unit), plain(key.region), plain(version));
        }
    }
    progress_(bytes);
    return {};
}

void ListVerifier::give_problems_to(std::vector<std::string>& problems) {
    for (Findings& findings : findings_)
        std::ranges::move(findings.problems, std::back_inserter(problems));
}

}  // namespace sojourn::store
