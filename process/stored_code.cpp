#include "process/stored_code.hpp"

#include <chrono>
#include <csignal>
#include <system_error>

#include "base/hmac_sha256.hpp"
#include "base/trace.hpp"

namespace sojourn::process {

namespace {

constexpr std::uint64_t kNanoseconds = 1'000'000'000;
/// A commit is made when so much is waiting, or has waited for so long.
constexpr std::uint64_t kWrittenAtOnceBytes = std::uint64_t{4} << 20U;
constexpr std::chrono::seconds kWaitingMost{1};
/// Which was used last is known to an hour, so that a run that finds everything writes nothing.
constexpr std::uint64_t kUseNotedEveryS = 3600;
/// Behind the module and the compiler: where the code begins, big-endian.
constexpr std::size_t kBeginBytes = sizeof(std::uint32_t);

void put_begin(ByteVector& key, std::uint32_t begin) {
    for (std::size_t shift = 8 * kBeginBytes; shift > 0; shift -= 8)
        key.push_back(static_cast<std::byte>(begin >> (shift - 8) & 0xffU));
}

std::uint32_t begin_in(Bytes key) {
    std::uint32_t begin = 0;
    for (const std::byte byte : key.last(kBeginBytes))
        begin = begin << 8U | std::to_integer<std::uint32_t>(byte);
    return begin;
}

ByteVector prefix_of(const Sha256& module, const Sha256& compiler) {
    ByteVector prefix(module.bytes.begin(), module.bytes.end());
    prefix.insert(prefix.end(), compiler.bytes.begin(), compiler.bytes.end());
    return prefix;
}

}  // namespace

StoredCode::~StoredCode() {
    {
        const std::lock_guard lock(mutex_);
        is_ending_ = true;
    }
    changed_.notify_all();
    if (writer_.joinable()) writer_.join();
}

Result<void> StoredCode::open() {
    const std::lock_guard lock(mutex_);
    if (is_tried_) return {};
    is_tried_ = true;
    auto database = TRY(store::CodeDatabase::open(settings_.store_location));
    compiler_ = TRY(settings_.compiler());
    secret_ = TRY(settings_.secret());
    database_ = std::move(database);
    return {};
}

bool StoredCode::is_open() {
    const auto opened = open();
    if (!opened.ok()) TRACE(process, "no_code_is_kept", opened.error().message);
    const std::lock_guard lock(mutex_);
    return database_ != nullptr;
}

ByteVector StoredCode::key_of(const vm::Module& module, std::uint32_t begin) const {
    ByteVector key = prefix_of(module.digest(), compiler_);
    put_begin(key, begin);
    return key;
}

/// Requires: the lock is held, the database is open.
const std::set<std::uint32_t>& StoredCode::begins_of(const vm::Module& module) {
    const auto [known, is_new] = begins_.try_emplace(module.digest());
    if (!is_new) return known->second;
    const auto keys = database_->keys(prefix_of(module.digest(), compiler_));
    if (!keys.ok()) TRACE(process, "code_unreadable", keys.error().message);
    for (const ByteVector& key : keys.ok() ? *keys : std::vector<ByteVector>())
        known->second.insert(begin_in(key));
    return known->second;
}

bool StoredCode::has(const vm::Module& module, std::uint32_t begin) {
    if (!is_open()) return false;
    const std::lock_guard lock(mutex_);
    return begins_of(module).contains(begin);
}

std::optional<ByteVector> StoredCode::find(const vm::Module& module, std::uint32_t begin) {
    if (!has(module, begin)) return std::nullopt;
    const ByteVector key = key_of(module, begin);
    const auto found = database_->find(key);
    if (!found.ok()) TRACE(process, "code_unreadable", found.error().message);
    if (!found.ok() || !*found) return std::nullopt;
    const Bytes value = (*found)->value;
    const std::size_t mac_bytes = sizeof(Sha256::bytes);
    const Bytes object = value.subspan(std::min(mac_bytes, value.size()));
    const Sha256 expected = hmac_sha256(secret_, {key, object});
    if (!is_same_mac(value.first(value.size() - object.size()), expected.bytes)) {
        TRACE(process, "code_rejected", module.digest().hex(), begin);
        const std::lock_guard lock(mutex_);
        begins_[module.digest()].erase(begin);
        return std::nullopt;
    }
    note_use(key, (*found)->used_at_s);
    return ByteVector(object.begin(), object.end());
}

void StoredCode::note_use(const ByteVector& key, std::uint64_t used_at_s) {
    if (used_at_s + kUseNotedEveryS > now_s()) return;
    const std::lock_guard lock(mutex_);
    pending_.used.push_back(key);
    begin_writing();
}

void StoredCode::keep(const vm::Module& module, std::uint32_t begin, ByteVector object) {
    if (!is_open()) return;
    ByteVector key = key_of(module, begin);
    const Sha256 mac = hmac_sha256(secret_, {key, object});
    ByteVector value(mac.bytes.begin(), mac.bytes.end());
    value.insert(value.end(), object.begin(), object.end());
    if (value.size() > settings_.bytes_max) return;
    const std::lock_guard lock(mutex_);
    pending_bytes_ += value.size();
    pending_.entries.push_back({std::move(key), std::move(value)});
    begin_writing();
    changed_.notify_all();
}

/// Requires: the lock is held.
void StoredCode::begin_writing() {
    if (writer_.joinable()) return;
    // Signals are for the threads that were there before.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before);
    try {
        writer_ = std::thread([this] { write_until_end(); });
    } catch (const std::system_error& error) {  // too many (ulimit -u)
        TRACE(process, "no_code_is_kept", error.what());
        pending_ = {};
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void StoredCode::write_until_end() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] {
            return is_ending_ || !pending_.entries.empty() || !pending_.used.empty();
        });
        changed_.wait_for(lock, kWaitingMost, [this] {
            return is_ending_ || flushes_wanted_ > 0 || pending_bytes_ >= kWrittenAtOnceBytes;
        });
        if (pending_.entries.empty() && pending_.used.empty()) return;
        store::CodeDatabase::Changes changes = std::exchange(pending_, {});
        changes.now_s = now_s();
        changes.bytes_max = settings_.bytes_max;
        pending_bytes_ = 0;
        is_writing_ = true;
        lock.unlock();
        const auto written = database_->write(changes);
        TRACE(process, "code_written", changes.entries.size(), changes.used.size(), written.ok());
        lock.lock();
        is_writing_ = false;
        if (!written.ok() && !failure_) failure_ = written.error();
        changed_.notify_all();
    }
}

Result<void> StoredCode::flush() {
    std::unique_lock lock(mutex_);
    ++flushes_wanted_;
    changed_.notify_all();
    changed_.wait(
        lock, [this] { return !is_writing_ && pending_.entries.empty() && pending_.used.empty(); });
    --flushes_wanted_;
    if (failure_) return *failure_;
    return {};
}

std::uint64_t StoredCode::now_s() const {
    return clock_.realtime_ns() / kNanoseconds;
}

}  // namespace sojourn::process
