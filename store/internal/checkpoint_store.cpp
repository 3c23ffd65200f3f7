#include "store/internal/checkpoint_store.hpp"

#include "base/trace.hpp"
#include "store/internal/lmdb_store.hpp"

namespace sojourn::store {

namespace {

namespace fs = std::filesystem;

bool is_same_place(const fs::path& one, const fs::path& other) {
    std::error_code problem;
    return one == other || fs::equivalent(one, other, problem);
}

/// The store at `place`, which keeps its own processes.
Result<std::unique_ptr<LmdbStore>> open_checkpoint_store(const fs::path& place,
                                                         const OpenOptions& options,
                                                         Random& random) {
    auto store = TRY(LmdbStore::open(place, options, random));
    if (store->checkpoint_place().empty()) return store;
    return fail(ErrorCode::invalid_argument, "{} keeps its own checkpoints in {}: name that one",
                place.native(), store->checkpoint_place().native());
}

Result<std::unique_ptr<LmdbStore>> open_noted(const LmdbStore& here, const OpenOptions& options,
                                              Random& random) {
    const fs::path& place = here.checkpoint_place();
    auto there = open_checkpoint_store(place, {.create = false, .sync = options.sync}, random);
    if (there.ok() || there.error().code != ErrorCode::not_found) return there;
    return fail(ErrorCode::not_found,
                "{} keeps its checkpoints in {}, and there is no store there: mount it, or if it "
                "was moved, name the new place with --store",
                here.directory().native(), place.native());
}

Result<void> expect_same_units(const LmdbStore& here, const LmdbStore& there) {
    if (here.unit_bytes() == there.unit_bytes()) return {};
    return fail(ErrorCode::unsupported,
                "{} has units of {}K and the checkpoint store {} of {}K, and they must agree: make "
                "the one that is empty anew with vm store init --unit",
                here.directory().native(), here.unit_bytes() / 1024, there.directory().native(),
                there.unit_bytes() / 1024);
}

Result<void> expect_noted(const LmdbStore& here, const fs::path& wanted) {
    if (is_same_place(here.checkpoint_place(), wanted)) return {};
    return fail(ErrorCode::already_exists,
                "{} keeps its checkpoints in {}, not in {}: name that one, or another --store",
                here.directory().native(), here.checkpoint_place().native(), wanted.native());
}

/// The store at `location` if there is one. What is missing can be made: it holds nothing.
Result<std::unique_ptr<LmdbStore>> open_working_store(const std::string& location,
                                                      const OpenOptions& options, Random& random) {
    auto present = LmdbStore::open(location, {.create = false, .sync = options.sync}, random);
    if (present.ok() || present.error().code != ErrorCode::not_found) return present;
    return std::unique_ptr<LmdbStore>();
}

Result<std::unique_ptr<LmdbStore>> open_and_note(const std::string& location, const fs::path& place,
                                                 const OpenOptions& options, Random& random) {
    if (is_same_place(fs::absolute(location).lexically_normal(), place)) {
        return fail(ErrorCode::invalid_argument,
                    "{} is both the store and the checkpoint store: leave out --checkpoint-store, "
                    "or name another directory",
                    place.native());
    }
    auto here = TRY(open_working_store(location, options, random));
    if (here != nullptr && !here->checkpoint_place().empty()) {
        TRY(expect_noted(*here, place));
        return open_noted(*here, options, random);
    }
    // Asked before anything is made; the note itself is refused for the same reason.
    if (here != nullptr && !TRY(here->listed()).empty()) {
        return fail(ErrorCode::already_exists,
                    "{} has processes of its own: name another store for the heaps of those in {}",
                    here->directory().native(), place.native());
    }
    OpenOptions working = options;
    if (here != nullptr) working.unit_bytes = here->unit_bytes();
    auto there = TRY(open_checkpoint_store(place, working, random));
    working.create = true;
    working.unit_bytes = there->unit_bytes();
    if (here == nullptr) here = TRY(LmdbStore::open(location, working, random));
    TRY(expect_same_units(*here, *there));
    TRY(here->note_checkpoint_place(there->directory()));
    TRACE(store, "checkpoints_noted", here->directory().native(), there->directory().native());
    there->keep_scratch_in(here->run_directory());
    there->keep_code_in(here->code_directory());
    return there;
}

}  // namespace

Result<std::unique_ptr<Store>> open_arranged(const std::string& location,
                                             const OpenOptions& options, Random& random) {
    if (location == kMemoryLocation) {
        auto there = TRY(open_checkpoint_store(options.checkpoint_location, options, random));
        there->keep_scratch_in({});
        there->keep_code_in({});
        return std::unique_ptr<Store>(std::move(there));
    }
    if (!options.checkpoint_location.empty()) {
        const fs::path place = fs::absolute(options.checkpoint_location).lexically_normal();
        return std::unique_ptr<Store>(TRY(open_and_note(location, place, options, random)));
    }
    auto here = TRY(LmdbStore::open(location, options, random));
    if (here->checkpoint_place().empty()) return std::unique_ptr<Store>(std::move(here));
    auto there = TRY(open_noted(*here, options, random));
    TRY(expect_same_units(*here, *there));
    there->keep_scratch_in(here->run_directory());
    there->keep_code_in(here->code_directory());
    return std::unique_ptr<Store>(std::move(there));
}

}  // namespace sojourn::store
