package dev.comfyapi.simulator;

import tools.jackson.databind.JsonNode;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Locale;

/// How Python converts and prints values, as far as ComfyUI's messages and conversions show it.
final class Python {

    private Python() {}

    /// An exception of Python's: its class and its text.
    static final class PythonException extends RuntimeException {
        private final String type;

        PythonException(String type, String message) {
            super(message);
            this.type = type;
        }

        String type() {
            return type;
        }

        String text() {
            var message = getMessage();
            return message == null ? "" : message;
        }
    }

    static PythonException keyError(String key) {
        return new PythonException("KeyError", quote(key));
    }

    static PythonException indexError() {
        return new PythonException("IndexError", "tuple index out of range");
    }

    static PythonException typeError(String message) {
        return new PythonException("TypeError", message);
    }

    static PythonException valueError(String message) {
        return new PythonException("ValueError", message);
    }

    /// `int(value)`.
    static BigInteger toInt(JsonNode value) {
        if (value.isIntegralNumber()) {
            return value.bigIntegerValue();
        }
        if (value.isBoolean()) {
            return value.booleanValue() ? BigInteger.ONE : BigInteger.ZERO;
        }
        if (value.isNumber()) {
            var number = value.doubleValue();
            if (Double.isNaN(number)) {
                throw valueError("cannot convert float NaN to integer");
            }
            if (Double.isInfinite(number)) {
                throw new PythonException(
                        "OverflowError", "cannot convert float infinity to integer");
            }
            return new BigDecimal(number).toBigInteger();
        }
        if (value.isString()) {
            try {
                return new BigInteger(value.stringValue().strip().replace("_", ""));
            } catch (NumberFormatException _) {
                throw valueError("invalid literal for int() with base 10: " + repr(value));
            }
        }
        throw typeError(
                "int() argument must be a string, a bytes-like object or a real number, not '%s'"
                        .formatted(typeName(value)));
    }

    /// `float(value)`.
    static double toFloat(JsonNode value) {
        if (value.isNumber()) {
            return value.isBigInteger()
                    ? value.bigIntegerValue().doubleValue()
                    : value.doubleValue();
        }
        if (value.isBoolean()) {
            return value.booleanValue() ? 1 : 0;
        }
        if (value.isString()) {
            var text = value.stringValue().strip();
            return switch (text.toLowerCase(Locale.ROOT)) {
                case "nan" -> Double.NaN;
                case "inf", "infinity" -> Double.POSITIVE_INFINITY;
                case "-inf", "-infinity" -> Double.NEGATIVE_INFINITY;
                default -> parseDouble(text, value);
            };
        }
        throw typeError(
                "float() argument must be a string or a real number, not '%s'"
                        .formatted(typeName(value)));
    }

    private static double parseDouble(String text, JsonNode value) {
        if (text.isEmpty() || "dDfF".indexOf(text.charAt(text.length() - 1)) >= 0) {
            throw valueError("could not convert string to float: " + repr(value));
        }
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException _) {
            throw valueError("could not convert string to float: " + repr(value));
        }
    }

    /// `bool(value)`.
    static boolean truth(JsonNode value) {
        if (value.isBoolean()) {
            return value.booleanValue();
        }
        if (value.isNumber()) {
            return value.doubleValue() != 0;
        }
        if (value.isString()) {
            return !value.stringValue().isEmpty();
        }
        return value.isContainer() && !value.isEmpty();
    }

    /// `str(value)`.
    static String str(JsonNode value) {
        return value.isString() ? value.stringValue() : repr(value);
    }

    /// `repr(value)`.
    static String repr(JsonNode value) {
        if (value.isString()) {
            return quote(value.stringValue());
        }
        if (value.isBoolean()) {
            return value.booleanValue() ? "True" : "False";
        }
        if (value.isNull()) {
            return "None";
        }
        if (value.isIntegralNumber()) {
            return value.bigIntegerValue().toString();
        }
        if (value.isNumber()) {
            return repr(value.doubleValue());
        }
        var parts = new ArrayList<String>();
        if (value.isArray()) {
            value.forEach(element -> parts.add(repr(element)));
            return "[" + String.join(", ", parts) + "]";
        }
        value.properties()
                .forEach(entry -> parts.add(quote(entry.getKey()) + ": " + repr(entry.getValue())));
        return "{" + String.join(", ", parts) + "}";
    }

    static String repr(Collection<String> texts) {
        return "[" + String.join(", ", texts.stream().map(Python::quote).toList()) + "]";
    }

    private static String repr(double number) {
        if (Double.isNaN(number)) {
            return "nan";
        }
        if (Double.isInfinite(number)) {
            return number > 0 ? "inf" : "-inf";
        }
        var magnitude = Math.abs(number);
        if (magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e16)) {
            var scientific = Double.toString(number).replace(".0E", "E").replace('E', 'e');
            return scientific.replaceFirst("e-(\\d)$", "e-0$1").replaceFirst("e(\\d+)$", "e+$1");
        }
        var plain = new BigDecimal(Double.toString(number)).toPlainString();
        return plain.contains(".") ? plain : plain + ".0";
    }

    private static String quote(String text) {
        var mark = text.contains("'") && !text.contains("\"") ? '"' : '\'';
        var quoted = new StringBuilder().append(mark);
        for (var i = 0; i < text.length(); i++) {
            var c = text.charAt(i);
            switch (c) {
                case '\\' -> quoted.append("\\\\");
                case '\n' -> quoted.append("\\n");
                case '\r' -> quoted.append("\\r");
                case '\t' -> quoted.append("\\t");
                case '\'' -> quoted.append(mark == '\'' ? "\\'" : "'");
                default -> quoted.append(c);
            }
        }
        return quoted.append(mark).toString();
    }

    private static String typeName(JsonNode value) {
        return value.isNull() ? "NoneType" : value.isArray() ? "list" : "dict";
    }
}
