package dev.comfyapi.api.http;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Finds what a client probably meant.
public final class Similar {

    private static final int LONGEST = 100;

    private Similar() {}

    /// The candidate that takes the fewest changes, if they are few.
    public static Optional<String> nearest(String name, Collection<String> candidates) {
        return near(name, candidates, 1).stream().findFirst();
    }

    /// Up to so many candidates, the nearest first: with few changes, or one name inside the other.
    public static List<String> near(String name, Collection<String> candidates, int most) {
        if (name.length() > LONGEST) {
            return List.of();
        }
        var wanted = name.toLowerCase(Locale.ROOT);
        return candidates.stream()
                .filter(candidate -> candidate.length() <= LONGEST)
                .map(candidate -> new Scored(candidate, score(wanted, candidate)))
                .filter(scored -> scored.score <= Math.max(2, wanted.length() / 2))
                .sorted(Comparator.comparingInt(Scored::score).thenComparing(Scored::candidate))
                .limit(most)
                .map(Scored::candidate)
                .toList();
    }

    private record Scored(String candidate, int score) {}

    private static int score(String wanted, String candidate) {
        var lower = candidate.toLowerCase(Locale.ROOT);
        int distance = distance(wanted, lower);
        boolean inside =
                (wanted.length() >= 3 && lower.contains(wanted))
                        || (lower.length() >= 3 && wanted.contains(lower));
        return inside ? Math.min(distance, 2) : distance;
    }

    /// Levenshtein's: insertions, deletions and substitutions.
    private static int distance(String a, String b) {
        var previous = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            var current = new int[b.length() + 1];
            current[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                current[j] =
                        Math.min(
                                previous[j - 1] + change,
                                1 + Math.min(previous[j], current[j - 1]));
            }
            previous = current;
        }
        return previous[b.length()];
    }
}
