#include "store/internal/view_index.hpp"

#include <algorithm>

#include "store/internal/written_lists.hpp"

namespace sojourn::store {

namespace {

using Run = ViewIndex::Run;
using Runs = std::vector<Run>;

std::uint64_t end_of(const Run& run) {
    return run.first + run.count;
}

bool is_before(const Run& run, const Run& other) {
    return std::pair(run.region, run.first) < std::pair(other.region, other.first);
}

void append(Runs& runs, Run run) {
    if (!runs.empty()) {
        Run& last = runs.back();
        if (last.region == run.region && end_of(last) == run.first && last.place == run.place) {
            last.count += run.count;
            return;
        }
    }
    runs.push_back(run);
}

/// Appends what of `run` the sorted `newer` does not cover; `at` is the first that may.
void append_uncovered(Runs& merged, Run run, const Runs& newer, std::size_t at) {
    for (; run.count > 0; ++at) {
        const bool is_free =
            at == newer.size() || newer[at].region != run.region || newer[at].first >= end_of(run);
        if (is_free) return append(merged, run);
        if (end_of(newer[at]) <= run.first) continue;
        if (newer[at].first > run.first) {
            append(merged, {run.region, run.first, newer[at].first - run.first, run.place});
        }
        const std::uint64_t rest = std::min(end_of(newer[at]), end_of(run));
        run.count = end_of(run) - rest;
        run.first = rest;
    }
}

/// What of `runs` the sorted `newer` does not cover.
Runs uncovered(const Runs& runs, const Runs& newer) {
    Runs left;
    std::size_t at = 0;
    for (const Run& run : runs) {
        while (at < newer.size() &&
               (newer[at].region < run.region ||
                (newer[at].region == run.region && end_of(newer[at]) <= run.first))) {
            ++at;
        }
        append_uncovered(left, run, newer, at);
    }
    return left;
}

/// Two that do not overlap, as one. Both are sorted, and so is the result.
Runs united(const Runs& first, const Runs& second) {
    Runs both;
    both.reserve(first.size() + second.size());
    std::merge(first.begin(), first.end(), second.begin(), second.end(), std::back_inserter(both),
               is_before);
    return both;
}

/// Both, where they overlap `newer`. Both are sorted and without overlaps, and so is the result.
Runs merge(const Runs& newer, const Runs& older) {
    return older.empty() ? newer : united(newer, uncovered(older, newer));
}

/// Layers from the oldest to the newest as one. Neighbours first, so that each run is moved a few
/// times only.
Runs flatten(std::vector<Runs> layers) {
    if (layers.empty()) return {};
    while (layers.size() > 1) {
        std::vector<Runs> halved;
        for (std::size_t index = 0; index + 1 < layers.size(); index += 2)
            halved.push_back(merge(layers[index + 1], layers[index]));
        if (layers.size() % 2 != 0) halved.push_back(std::move(layers.back()));
        layers = std::move(halved);
    }
    return std::move(layers.front());
}

/// Where both have a value of the same place. Both are sorted and without overlaps.
Runs common(const Runs& first, const Runs& second) {
    Runs both;
    for (auto a = first.begin(), b = second.begin(); a != first.end() && b != second.end();) {
        const std::uint64_t begin = std::max(a->first, b->first);
        const std::uint64_t end = std::min(end_of(*a), end_of(*b));
        if (a->region == b->region && a->place == b->place && begin < end) {
            append(both, {a->region, begin, end - begin, a->place});
        }
        if (std::pair(a->region, end_of(*a)) < std::pair(b->region, end_of(*b))) {
            ++a;
        } else {
            ++b;
        }
    }
    return both;
}

Runs runs_of(const WrittenList& list) {
    Runs runs;
    for (const UnitRun& run : list.runs) {
        append(runs,
               {run.region, plain(run.first), run.count, {list.key.branch, list.key.version}});
    }
    std::sort(runs.begin(), runs.end(), is_before);
    return runs;
}

/// What the versions of `branch` up to `last` wrote, the oldest first.
Result<std::vector<Runs>> layers_of(const Transaction& transaction, BranchId branch, Version last) {
    std::vector<Runs> layers;
    for (ListKey from{branch, kNoVersion, 0};;) {
        const auto list = TRY(next_list(transaction, from));
        if (!list || list->key.branch != branch || list->key.version > last) return layers;
        if (!TRY(is_abandoned(transaction, branch, list->key.version))) {
            layers.push_back(runs_of(*list));
        }
        from = list->key;
        ++from.sequence;
    }
}

}  // namespace

ViewIndex::ViewIndex(View view, std::vector<Run> runs) : view_(view), runs_(std::move(runs)) {
    for (const Run& run : runs_)
        unit_count_ += run.count;
}

Result<ViewIndex> ViewIndex::of(const Transaction& transaction, View view) {
    Runs runs;
    for (View from = view; from.branch != kNoBranch && from.version != kNoVersion;) {
        runs = merge(runs, flatten(TRY(layers_of(transaction, from.branch, from.version))));
        const BranchRecord branch = TRY(read_branch(transaction, from.branch));
        from = {branch.parent, std::min(from.version, branch.fork)};
    }
    return ViewIndex(view, std::move(runs));
}

std::vector<Run> ViewIndex::differences_from(const ViewIndex& other) const {
    Runs gone = uncovered(other.runs_, runs_);
    for (Run& run : gone)
        run.place = {};
    return united(uncovered(runs_, common(runs_, other.runs_)), gone);
}

std::optional<ViewIndex::Place> ViewIndex::find(UnitKey unit) const {
    const Run wanted{unit.region, plain(unit.unit), 1, {}};
    auto behind = std::upper_bound(runs_.begin(), runs_.end(), wanted, is_before);
    if (behind == runs_.begin()) return std::nullopt;
    const Run& run = *--behind;
    if (run.region != unit.region || end_of(run) <= wanted.first) return std::nullopt;
    return run.place;
}

Result<void> ViewIndex::expect(UnitKey unit, std::optional<Place> found) const {
    if (found && found->branch == view_.branch && found->version > view_.version) return {};
    const auto expected = find(unit);
    if (found == expected) return {};
    return fail(ErrorCode::corrupt,
                "unit {} of region {} is of version {} by the lists of what was written, and {} "
                "is found: the database is damaged",
                plain(unit.unit), plain(unit.region), expected ? plain(expected->version) : 0,
                found ? fmt::format("version {}", plain(found->version)) : "none");
}

}  // namespace sojourn::store
