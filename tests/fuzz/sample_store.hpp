#pragma once

#include <filesystem>
#include <map>

#include "store/store.hpp"
#include "tests/support/temporary_folder.hpp"

/// A small store for targets that damage one.
namespace sojourn::fuzz {

/// What every byte of a unit is, by the unit's index in region 1; absent units are not named.
using UnitFills = std::map<std::uint64_t, int>;

store::EncodedUnit sample_unit(std::uint64_t index, int fill);
Result<store::Version> publish_sample(store::Family& family, store::FencingToken token,
                                      std::vector<store::EncodedUnit> units);

/// A store with a module and a process `guest`: three checkpoints on two branches, one that was
/// removed and one that was never published.
class SampleStore {
public:
    static const SampleStore& original();

    static constexpr std::string_view kModule = "a module";

    [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "store"; }
    /// The store again as it was made, in a place of its own, until the next call.
    [[nodiscard]] std::filesystem::path fresh_copy() const;
    /// What is in the checkpoints.
    [[nodiscard]] const std::map<store::Version, UnitFills>& checkpoints() const {
        return checkpoints_;
    }
    [[nodiscard]] store::Version head() const { return head_; }

private:
    SampleStore();
    Result<void> make();

    SystemRandom random_;
    tests::TemporaryFolder folder_;
    std::map<store::Version, UnitFills> checkpoints_;
    store::Version head_ = store::kNoVersion;
};

}  // namespace sojourn::fuzz
