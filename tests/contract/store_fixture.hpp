#pragma once

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include <catch2/catch.hpp>

#include "store/store.hpp"
#include "tests/support/temporary_folder.hpp"

/// What the tests of the store share: a place that goes away, both kinds of store, small units.
namespace sojourn::store {

inline constexpr RegionId kRegion{1};
inline constexpr std::size_t kTestUnitBytes = 4096;

using TemporaryDirectory = tests::TemporaryFolder;

inline OpenOptions test_options() {
    return {.create = true, .sync = false, .unit_bytes = kTestUnitBytes};
}

/// A unit that is filled with `value`, or with noise that it seeds when `noisy`.
inline ByteVector unit_of(std::uint8_t value, bool noisy = false) {
    ByteVector unit(kTestUnitBytes, std::byte{value});
    std::uint32_t state = value + 1U;
    for (std::byte& byte : unit) {
        if (!noisy) break;
        state = state * 1664525U + 1013904223U;
        byte = static_cast<std::byte>(state >> 24);
    }
    return unit;
}

inline EncodedUnit encoded(std::uint64_t index, std::uint8_t value, bool noisy = false) {
    return encode_unit({kRegion, UnitIndex{index}}, unit_of(value, noisy));
}

/// A test goes on with each kind of store in turn.
inline const char* any_kind() {
    return GENERATE("mem:", "directory");
}

/// A store of the kind named `mem:` or `directory`, with a process `guest`.
class StoreFixture {
public:
    explicit StoreFixture(const std::string& kind) : kind_(kind) {
        reopen();
        process_ = *store_->create_process({.name = "guest"});
        family_ = *store_->family(process_.family);
    }

    /// Drops what is open and opens it afresh, where the store outlives that.
    void reopen() {
        if (kind_ == "mem:" && store_ != nullptr) return;
        family_.reset();
        store_.reset();
        const std::string location = kind_ == "mem:" ? kind_ : (directory_.path() / "s").native();
        store_ = *Store::open(location, test_options(), random_);
        if (process_.epoch != Epoch{0} || process_.created_us != 0) {
            family_ = *store_->family(process_.family);
        }
    }

    [[nodiscard]] Store& store() { return *store_; }
    [[nodiscard]] Family& family() { return *family_; }
    [[nodiscard]] const ProcessRecord& process() const { return process_; }

    FencingToken acquire(std::optional<Version> from = std::nullopt) {
        return *family_->acquire(process_.id, from);
    }

    Result<Version> publish(FencingToken token, const std::vector<EncodedUnit>& units,
                            std::string_view attachment = "state") {
        Publication publication;
        publication.info.id = TRY(family_->reserve(token));
        publication.units = units;
        publication.attachment = as_bytes(attachment);
        TRY(family_->publish(token, publication));
        return publication.info.id;
    }

    /// What the first byte of a unit is at a checkpoint; nullopt where it was never written.
    std::optional<int> at(Version checkpoint, std::uint64_t index) {
        return read(*family_->view_of(checkpoint), index);
    }
    std::optional<int> at_head(std::uint64_t index) {
        return read(*family_->view_of(process_.id), index);
    }

private:
    std::optional<int> read(View view, std::uint64_t index) {
        ByteVector out(kTestUnitBytes);
        const auto state = family_->read_unit(view, {kRegion, UnitIndex{index}}, out);
        if (*state == UnitState::absent) return std::nullopt;
        return std::to_integer<int>(out[0]);
    }

    TemporaryDirectory directory_;
    SystemRandom random_;
    std::string kind_;
    std::unique_ptr<Store> store_;
    std::shared_ptr<Family> family_;
    ProcessRecord process_;
};

}  // namespace sojourn::store
