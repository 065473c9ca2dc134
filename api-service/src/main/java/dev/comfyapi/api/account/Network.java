package dev.comfyapi.api.account;

import java.net.InetAddress;
import java.util.Optional;

/// A network such as `10.0.0.0/8`, or a single address.
record Network(InetAddress address, int bits) {

    /// Empty when it is not an address with a number of bits that it may have. Names are not looked
    /// up.
    static Optional<Network> parse(String text) {
        int slash = text.indexOf('/');
        try {
            var address = InetAddress.ofLiteral(slash < 0 ? text : text.substring(0, slash));
            int all = address.getAddress().length * Byte.SIZE;
            var given = slash < 0 ? Integer.toString(all) : text.substring(slash + 1);
            if (!given.matches("[0-9]{1,3}") || Integer.parseInt(given) > all) {
                return Optional.empty();
            }
            return Optional.of(new Network(address, Integer.parseInt(given)));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    /// Whether an address, written in digits, is part of it.
    boolean contains(String other) {
        byte[] theirs;
        try {
            theirs = InetAddress.ofLiteral(other).getAddress();
        } catch (IllegalArgumentException _) {
            return false;
        }
        byte[] ours = address.getAddress();
        if (ours.length != theirs.length) {
            return false;
        }
        int whole = bits / Byte.SIZE;
        for (int i = 0; i < whole; i++) {
            if (ours[i] != theirs[i]) {
                return false;
            }
        }
        int rest = Byte.SIZE - bits % Byte.SIZE;
        return rest == Byte.SIZE || (ours[whole] & 0xFF) >> rest == (theirs[whole] & 0xFF) >> rest;
    }
}
