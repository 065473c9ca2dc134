package dev.comfyapi.simulator;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.StringJoiner;

/// Faults by chance: each submit draws for each kind of fault, so that the same seed and the same
/// order of submits give the same faults.
///
/// @param rates how likely each fault is at a submit, 0 to 1
public record FaultSchedule(long seed, Map<FaultKind, Double> rates) {

    /// @throws IllegalArgumentException if a rate is not from 0 to 1
    public FaultSchedule {
        rates = rates.isEmpty() ? Map.of() : Collections.unmodifiableMap(new EnumMap<>(rates));
        rates.forEach((kind, rate) -> {
            if (!(rate >= 0 && rate <= 1)) {
                throw new IllegalArgumentException(
                        "%s must be from 0 to 1, not %s".formatted(kind.word(), rate));
            }
        });
    }

    /// Reads `seed=42,rate=0.1,lost-reply=0.5,restart=0`.
    ///
    /// `rate` is the chance that a submit causes any fault at all of those that pass by themselves,
    /// spread evenly over them; a fault named has its own rate. Nothing at all is a schedule
    /// without faults.
    ///
    /// @throws IllegalArgumentException with everything that is wrong, if anything is
    public static FaultSchedule parse(String text) {
        if (text.isBlank()) {
            return new FaultSchedule(0, Map.of());
        }
        var seed = 0L;
        var rates = new EnumMap<FaultKind, Double>(FaultKind.class);
        var problems = new ArrayList<String>();
        for (var part : text.split(",", -1)) {
            var pair = part.strip().split("=", 2);
            var name = pair[0].strip();
            var value = pair.length < 2 ? "" : pair[1].strip();
            if (name.equals("seed")) {
                if (value.matches("-?\\d{1,18}")) {
                    seed = Long.parseLong(value);
                } else {
                    problems.add("seed must be a whole number");
                }
            } else if (!value.matches("0(\\.\\d+)?|1(\\.0+)?")) {
                problems.add("%s must be from 0 to 1".formatted(part.strip()));
            } else if (name.equals("rate")) {
                spread(Double.parseDouble(value), rates);
            } else if (FaultKind.of(name).isPresent() && FaultKind.of(name).get().needsNothing()) {
                rates.put(FaultKind.of(name).get(), Double.parseDouble(value));
            } else {
                problems.add(
                        "%s is no fault that chance can cause; known are seed, rate, %s"
                                .formatted(name, String.join(", ", needingNothing())));
            }
        }
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("; ", problems));
        }
        return new FaultSchedule(seed, rates);
    }

    private static void spread(double rate, Map<FaultKind, Double> rates) {
        var passing = Arrays.stream(FaultKind.values()).filter(FaultKind::passes).toList();
        var each = 1 - Math.pow(1 - rate, 1.0 / passing.size());
        passing.forEach(kind -> rates.putIfAbsent(kind, each));
    }

    private static List<String> needingNothing() {
        return Arrays.stream(FaultKind.values())
                .filter(FaultKind::needsNothing)
                .map(FaultKind::word)
                .toList();
    }

    /// A fault of chance: what would last until taken back lasts a second.
    private static Fault passing(FaultKind kind) {
        return kind.parameter("lasting").isPresent()
                ? Fault.of(kind).with("lasting", "1s")
                : Fault.of(kind);
    }

    Draw begin() {
        return new Draw(this, new Random(seed));
    }

    @Override
    public String toString() {
        var text = new StringJoiner(",").add("seed=" + seed);
        rates.forEach((kind, rate) -> text.add(kind.word() + "=" + rate));
        return text.toString();
    }

    /// The draws of one run of the schedule. Not thread-safe.
    static final class Draw {
        private final FaultSchedule schedule;
        private final Random random;

        private Draw(FaultSchedule schedule, Random random) {
            this.schedule = schedule;
            this.random = random;
        }

        /// What goes wrong at the next submit.
        List<Fault> next() {
            var drawn = new ArrayList<Fault>();
            for (var kind : FaultKind.values()) {
                // Every kind draws, whatever its rate: a changed rate leaves the others as they
                // were.
                if (random.nextDouble() < schedule.rates().getOrDefault(kind, 0.0)) {
                    drawn.add(passing(kind));
                }
            }
            return drawn;
        }

        FaultSchedule schedule() {
            return schedule;
        }
    }
}
