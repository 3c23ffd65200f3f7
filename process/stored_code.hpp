#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "store/code_database.hpp"
#include "vm/exec/code_cache.hpp"

namespace sojourn::process {

inline constexpr std::uint64_t kCodeCacheBytesDefault = std::uint64_t{256} << 20U;

/// Compiled code beside a store. Each entry carries a code that only who knows the secret can make:
/// what somebody else made, or has changed, is passed over as if it were not there, as is what was
/// made by another compiler or for another processor.
///
/// It is opened when it is used first, and where that fails it is empty and keeps nothing. Entries
/// are written in the background, many in one commit. Borrows the clock for its life.
class StoredCode final : public vm::CodeCache {
public:
    struct Settings {
        std::string store_location;
        std::uint64_t bytes_max = kCodeCacheBytesDefault;
        /// Called once, when the store is there.
        std::function<Result<Sha256>()> compiler;
        std::function<Result<ByteVector>()> secret;
    };

    StoredCode(Settings settings, const Clock& clock)
        : settings_(std::move(settings)), clock_(clock) {}
    /// Waits until what was kept is written.
    ~StoredCode() override;
    StoredCode(const StoredCode&) = delete;
    StoredCode& operator=(const StoredCode&) = delete;

    /// Errors: those of the store and of what the settings ask for.
    Result<void> open();

    bool has(const vm::Module& module, std::uint32_t begin) override;
    std::optional<ByteVector> find(const vm::Module& module, std::uint32_t begin) override;
    void keep(const vm::Module& module, std::uint32_t begin, ByteVector object) override;

    /// Errors: of the first write that failed.
    Result<void> flush() override;

private:
    bool is_open();
    /// Where code of the module begins that is there.
    const std::set<std::uint32_t>& begins_of(const vm::Module& module);
    [[nodiscard]] ByteVector key_of(const vm::Module& module, std::uint32_t begin) const;
    void note_use(const ByteVector& key, std::uint64_t used_at_s);
    void begin_writing();
    void write_until_end();
    [[nodiscard]] std::uint64_t now_s() const;

    const Settings settings_;
    const Clock& clock_;

    std::mutex mutex_;  ///< guards what follows
    bool is_tried_ = false;
    std::unique_ptr<store::CodeDatabase> database_;  ///< nullptr: it could not be opened
    Sha256 compiler_;
    ByteVector secret_;
    std::map<Sha256, std::set<std::uint32_t>> begins_;  ///< by module

    std::condition_variable changed_;
    store::CodeDatabase::Changes pending_;
    std::uint64_t pending_bytes_ = 0;
    std::uint64_t flushes_wanted_ = 0;
    bool is_writing_ = false;
    bool is_ending_ = false;
    std::optional<Error> failure_;
    std::thread writer_;
};

}  // namespace sojourn::process
