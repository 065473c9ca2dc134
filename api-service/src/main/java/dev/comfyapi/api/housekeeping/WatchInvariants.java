package dev.comfyapi.api.housekeeping;

import dev.comfyapi.api.dispatch.Leading;
import dev.comfyapi.db.invariant.InvariantStore;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;

/// Asks one rule after the other whether it holds, and says how many jobs break it.
///
/// What a look costs is measured, and the next one is put off so long that looking takes a
/// thousandth of one processor at most: a rule that reads a million jobs is looked at every hour or
/// so, one that reads a few leases every minute.
@Component
final class WatchInvariants implements Duty {

    private static final Logger LOG = LoggerFactory.getLogger(WatchInvariants.class);
    private static final int MOST = 1_000;
    private static final int NAMED = 10;
    private static final int SHARE = 1_000;

    private final InvariantStore invariants;
    private final HousekeepingProperties properties;
    private final Leading leading;
    private final MeterRegistry metrics;
    private final TreeMap<String, Rule> rules = new TreeMap<>();

    WatchInvariants(
            HousekeepingDatabase database,
            HousekeepingProperties properties,
            Leading leading,
            MeterRegistry metrics) {
        this.invariants = new InvariantStore(database.jdbc());
        this.properties = properties;
        this.leading = leading;
        this.metrics = metrics;
    }

    @Override
    public String name() {
        return "watch_invariants";
    }

    @Override
    public Duration every() {
        return Duration.ofSeconds(10);
    }

    /// After an outage everybody looks silent, and what is overdue is being done.
    @Override
    public Duration first() {
        return Duration.ofMinutes(2);
    }

    /// Looks at the rules that are due.
    @Override
    public Done run() {
        if (rules.isEmpty()) {
            invariants.rules().forEach(rule -> rules.put(rule, new Rule(rule)));
        }
        invariants.allowSilence(leading.silence());
        int looked = 0;
        DataAccessException failure = null;
        for (var rule : rules.values()) {
            if (rule.due - System.nanoTime() <= 0) {
                try {
                    rule.look();
                    looked++;
                } catch (DataAccessException e) {
                    LOG.warn("The invariant {} cannot be looked at now", rule.name, e);
                    failure = e;
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
        return Done.all(looked);
    }

    /// Makes every rule due.
    void hurry() {
        rules.values().forEach(rule -> rule.due = System.nanoTime());
    }

    private final class Rule {

        private final String name;
        private volatile int broken;
        private long due = System.nanoTime();

        Rule(String name) {
            this.name = name;
            Gauge.builder(
                            "comfyapi.invariant.violations",
                            this,
                            rule -> leading.isLeading() ? rule.broken : Double.NaN)
                    .description("Jobs that break a rule, up to 1000; known to the leader only")
                    .tag("rule", name)
                    .register(metrics);
        }

        /// What lasts for a moment only was on its way, and does not count.
        private List<UUID> breaking() {
            var first = Set.copyOf(invariants.breaking(name, MOST));
            return first.isEmpty()
                    ? List.of()
                    : invariants.breaking(name, MOST).stream().filter(first::contains).toList();
        }

        void look() {
            long start = System.nanoTime();
            List<UUID> found;
            try {
                found = breaking();
            } finally {
                long took = System.nanoTime() - start;
                due = System.nanoTime() + Math.max(properties.watch().toNanos(), took * SHARE);
            }
            broken = found.size();
            if (!found.isEmpty()) {
                LOG.warn(
                        "The invariant {} is broken by {} jobs: {}",
                        name,
                        found.size(),
                        found.stream().limit(NAMED).toList());
            }
        }
    }
}
