package dev.comfyapi.model.generation;

import java.math.BigInteger;
import java.util.Optional;
import java.util.random.RandomGenerator;

/// What a sampler starts from: an unsigned 64-bit number, 0 … 18446744073709551615.
///
/// @param bits the number as an unsigned long; read it with [#toString] or [#toBigInteger]
public record Seed(long bits) {

    private static final BigInteger LARGEST = BigInteger.TWO.pow(64).subtract(BigInteger.ONE);

    /// Empty when the number is negative or larger than 2^64−1.
    public static Optional<Seed> of(BigInteger number) {
        return number.signum() < 0 || number.compareTo(LARGEST) > 0
                ? Optional.empty()
                : Optional.of(new Seed(number.longValue()));
    }

    public static Seed draw(RandomGenerator random) {
        return new Seed(random.nextLong());
    }

    public BigInteger toBigInteger() {
        return new BigInteger(toString());
    }

    @Override
    public String toString() {
        return Long.toUnsignedString(bits);
    }
}
