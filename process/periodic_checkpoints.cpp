#include "process/periodic_checkpoints.hpp"

#include <algorithm>
#include <poll.h>
#include <utility>

#include "process/internal/busy_timer.hpp"

namespace sojourn::process {

namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

/// What has changed is looked at after so much processor time; a guest writes 10 to 50 MB in it.
constexpr std::uint64_t kLookAfterNs = 10'000'000;
/// Looking takes one part of so many at most.
constexpr std::uint64_t kLookingShare = 20;

}  // namespace

Result<std::unique_ptr<PeriodicCheckpoints>> PeriodicCheckpoints::start(
    const CheckpointRhythm& rhythm, Inbox& inbox, const Clock& clock, Probe probe, Report report) {
    EXPECTS(rhythm.is_given(), "a rhythm has an interval, an amount or both");
    auto periodic = std::unique_ptr<PeriodicCheckpoints>(
        new PeriodicCheckpoints(rhythm, inbox, clock, std::move(probe), std::move(report)));
    periodic->noted_ = TRY(leases::Interrupt::create());
    periodic->thread_ = std::thread([raw = periodic.get()] { raw->serve(); });
    return periodic;
}

PeriodicCheckpoints::PeriodicCheckpoints(const CheckpointRhythm& rhythm, Inbox& inbox,
                                         const Clock& clock, Probe probe, Report report)
    : rhythm_(rhythm),
      inbox_(inbox),
      clock_(clock),
      probe_(std::move(probe)),
      report_(std::move(report)) {}

PeriodicCheckpoints::~PeriodicCheckpoints() {
    stop();
    EXPECTS(!is_under_way_, "nobody answers a request after the one who asked is gone");
}

void PeriodicCheckpoints::stop() {
    {
        const std::lock_guard guard(mutex_);
        is_stopping_ = true;
    }
    if (noted_) noted_->raise();
    if (thread_.joinable()) thread_.join();
}

void PeriodicCheckpoints::serve() {
    if (rhythm_.dirty_bytes) timer_ = make_timer();
    const auto due_after = [&](Moment moment) {
        std::optional<Moment> due;
        if (rhythm_.interval_ns) due = moment + nanoseconds(*rhythm_.interval_ns);
        return due;
    };
    auto due = due_after(steady_clock::now());
    while (await_due(due)) {
        due = due_after(steady_clock::now());
        ask();
        if (!await_end()) return;
    }
}

std::unique_ptr<BusyTimer> PeriodicCheckpoints::make_timer() {
    auto timer = BusyTimer::create();
    if (timer.ok()) return std::move(*timer);
    report_(
        fail(timer.error().code, "checkpoints by changed data are off: {}", timer.error().message));
    return nullptr;
}

bool PeriodicCheckpoints::await_due(std::optional<Moment> due) {
    for (;;) {
        {
            const std::lock_guard guard(mutex_);
            if (is_stopping_) return false;
        }
        if (due && steady_clock::now() >= *due) return true;
        if (timer_ == nullptr) {
            sleep(due, std::nullopt);
        } else if (has_changed_enough()) {
            return true;
        } else {
            sleep(due, look_after_ns_);
        }
    }
}

bool PeriodicCheckpoints::await_end() {
    for (;; sleep(std::nullopt, std::nullopt)) {
        const std::lock_guard guard(mutex_);
        if (is_stopping_) return false;
        if (is_under_way_) continue;
        bytes_left_over_ = timer_ == nullptr || is_taken_ ? 0 : probe_();
        return true;
    }
}

bool PeriodicCheckpoints::has_changed_enough() {
    const auto before = steady_clock::now();
    const std::uint64_t bytes = probe_();
    const nanoseconds took = steady_clock::now() - before;
    look_after_ns_ =
        std::max(kLookAfterNs, kLookingShare * static_cast<std::uint64_t>(took.count()));
    return bytes >= bytes_left_over_ + *rhythm_.dirty_bytes;
}

void PeriodicCheckpoints::sleep(std::optional<Moment> due, std::optional<std::uint64_t> busy_ns) {
    pollfd watched[] = {{noted_->fd(), POLLIN, 0}, {-1, POLLIN, 0}};
    if (busy_ns) {
        timer_->set(*busy_ns);
        watched[1].fd = timer_->fd();
    }
    timespec left{};
    if (due) {
        constexpr std::int64_t kSecondNs = 1'000'000'000;
        const auto ns = std::max(nanoseconds(*due - steady_clock::now()), nanoseconds(0)).count();
        left = {ns / kSecondNs, ns % kSecondNs};
    }
    ::ppoll(watched, std::size(watched), due ? &left : nullptr, nullptr);
    noted_->clear();
}

void PeriodicCheckpoints::ask() {
    {
        const std::lock_guard guard(mutex_);
        is_under_way_ = true;
    }
    Request request;
    request.requested_at_ns = clock_.monotonic_ns();
    request.only_if_changed = true;
    request.answer = [this](const auto& published) { note_end(published); };
    inbox_.post(std::move(request));
}

void PeriodicCheckpoints::note_end(const Result<store::CheckpointInfo>& published) {
    bool is_news = false;
    {
        const std::lock_guard guard(mutex_);
        is_under_way_ = false;
        is_taken_ = published.ok() && published->id != store::kNoVersion;
        is_news = !published.ok() && !has_failed_ && !is_stopping_;
        has_failed_ = !published.ok();
    }
    // A runner that has lost its lease ends with that error.
    if (is_news && published.error().code != ErrorCode::lease_lost) report_(published.error());
    noted_->raise();
}

}  // namespace sojourn::process
