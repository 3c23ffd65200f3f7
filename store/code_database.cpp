#include "store/code_database.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/fault_point.hpp"
#include "base/trace.hpp"
#include "store/internal/code_tables.hpp"
#include "store/internal/keys.hpp"
#include "store/internal/store_directory.hpp"
#include "store/store.hpp"

namespace sojourn::store {

namespace {

bool begins_with(Bytes key, Bytes prefix) {
    return key.size() >= prefix.size() && std::ranges::equal(key.first(prefix.size()), prefix);
}

ByteVector copy_of(Bytes bytes) {
    return {bytes.begin(), bytes.end()};
}

/// What can't be read was never used.
std::uint64_t read_time(Bytes value) {
    return value.size() == sizeof(std::uint64_t) ? KeyReader(value).get<std::uint64_t>() : 0;
}

Result<std::uint64_t> used_at(const Transaction& transaction, Bytes key) {
    const auto value = TRY(transaction.get(kCodeUsed, key));
    return value ? read_time(*value) : 0;
}

std::uint64_t bytes_of(const Transaction& transaction) {
    return transaction.table_bytes(kCode) + transaction.table_bytes(kCodeUsed);
}

Result<void> erase(WriteTransaction& transaction, Bytes key) {
    TRY(transaction.erase(kCode, key));
    TRY(transaction.erase(kCodeUsed, key));
    return {};
}

/// By when they were used last.
Result<std::vector<std::pair<std::uint64_t, ByteVector>>> all_keys(const Transaction& transaction) {
    std::vector<std::pair<std::uint64_t, ByteVector>> keys;
    Cursor cursor = transaction.cursor(kCode);
    constexpr std::array kFirst{std::byte{0}};  // no key is empty
    for (bool is_there = TRY(cursor.seek(kFirst)); is_there; is_there = TRY(cursor.next()))
        keys.emplace_back(TRY(used_at(transaction, cursor.key())), copy_of(cursor.key()));
    std::ranges::sort(keys);
    return keys;
}

/// An eighth more than it must, so that the next few writes need not look at all keys again.
Result<void> make_room(WriteTransaction& transaction, std::uint64_t bytes_max) {
    if (bytes_of(transaction) <= bytes_max) return {};
    const std::uint64_t wanted = bytes_max - bytes_max / 8;
    for (const auto& [used_at_s, key] : TRY(all_keys(transaction))) {
        TRACE(store, "code_removed", used_at_s);
        TRY(erase(transaction, key));
        if (bytes_of(transaction) <= wanted) break;
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<CodeDatabase>> CodeDatabase::open(const std::string& location) {
    if (location == kMemoryLocation) {
        return fail(ErrorCode::not_found, "nothing stays of a store in memory");
    }
    const StorePaths paths{std::filesystem::absolute(location).lexically_normal()};
    TRY(check_store_directory(paths, false));
    return std::unique_ptr<CodeDatabase>(new CodeDatabase(TRY(open_or_make_code(paths.code()))));
}

Result<std::optional<CodeDatabase::Found>> CodeDatabase::find(Bytes key) const {
    const auto transaction = TRY(environment_->read());
    const auto value = TRY(transaction.get(kCode, key));
    if (!value) return std::optional<Found>();
    return std::optional(Found{copy_of(*value), TRY(used_at(transaction, key))});
}

Result<std::vector<ByteVector>> CodeDatabase::keys(Bytes prefix) const {
    const auto transaction = TRY(environment_->read());
    std::vector<ByteVector> keys;
    Cursor cursor = transaction.cursor(kCode);
    bool is_there = TRY(cursor.seek(prefix));
    while (is_there && begins_with(cursor.key(), prefix)) {
        keys.push_back(copy_of(cursor.key()));
        is_there = TRY(cursor.next());
    }
    return keys;
}

Result<void> CodeDatabase::write(const Changes& changes) {
    const auto now = make_key(changes.now_s);
    bool was_sound = false;
    auto written = environment_->write([&](WriteTransaction& transaction) -> Result<void> {
        was_sound = is_known_sound(environment_->directory());
        for (const Entry& entry : changes.entries) {
            TRY(transaction.put(kCode, entry.key, entry.value));
            TRY(transaction.put(kCodeUsed, entry.key, now));
        }
        for (const ByteVector& key : changes.used) {
            // Another host process may have removed it.
            if (TRY(transaction.get(kCode, key))) TRY(transaction.put(kCodeUsed, key, now));
        }
        TRY(make_room(transaction, changes.bytes_max));
        FAULT_POINT(store_code_before_commit);
        return {};
    });
    if (written.ok() && was_sound) note_soundness(environment_->directory());
    return written;
}

Result<std::uint64_t> CodeDatabase::size_bytes() const {
    const auto transaction = TRY(environment_->read());
    return bytes_of(transaction);
}

}  // namespace sojourn::store
