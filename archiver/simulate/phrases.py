"""What the people of a simulated desk say, and how they are called. Invented, all of it."""

from __future__ import annotations

FIRST_NAMES = (
    "Anna", "Bruno", "Carla", "Dario", "Elena", "Fabio", "Giulia", "Hugo", "Irene", "Jonas",
    "Katia", "Luca", "Marta", "Nadia", "Olga", "Paolo", "Quinn", "Rosa", "Sara", "Tito",
)  # fmt: skip
LAST_NAMES = (
    "Rossi", "Bianchi", "Conti", "D'Angelo", "Esposito", "Ferrari", "Greco", "Huber", "Ivanova",
    "Jansen", "König", "Leone", "Müller", "Neri", "Ortega", "Péter",
)  # fmt: skip
DEPARTMENTS = ("Support", "Sales", "Orders", "Billing", "Returns", "Wholesale")
LANGUAGES = {"it": 55, "en": 30, "de": 6, "fr": 5, "ar": 2, "he": 2}

OPENINGS = {
    "it": (
        "Ciao, posso cambiare taglia?",
        "Buongiorno, il mio ordine non è ancora arrivato",
        'Il codice "ESTATE10" non funziona…',
        "Vorrei un rimborso, grazie 🙏",
        "L'app si chiude da sola\nappena la apro",
    ),
    "en": (
        "Hi, where is my order?",
        "refund pls",
        'Hello "there" & <b>team</b>',
        "The app crashes\non start",
        "I can't log in 😤",
        "Do you ship to Norway? C:\\temp\\cart says no",
    ),
    "de": ("Guten Tag, wo bleibt meine Bestellung?", "Ich möchte die Größe tauschen"),
    "fr": ("Bonjour, où est ma commande ?", "Le paiement a échoué… deux fois !"),
    "ar": ("مرحبا، أين طلبي؟", "أريد استرداد المبلغ من فضلك 🙏"),
    "he": ("שלום, איפה ההזמנה שלי?", "אני לא מצליח להתחבר"),
}
VISITOR_REPLIES = (
    "ok", "yes please", "hmm", "no, still broken", "order 4711-β", "👍",
    "I already tried that\ntwice",
    'it says "error 17"', "one moment, I look for it", "👩‍💻 done", "sì, certo", "perfect",
)  # fmt: skip
VISITOR_THANKS = ("thanks!", "Grazie mille ❤️", "great, thank you", "شكرا", "ok bye")
AGENT_REPLIES = (
    "Sure, let me check",
    "One moment please",
    "Could you give me the order number?",
    "I see the parcel: it left our warehouse yesterday.",
    "Please try again with the link that I have just sent.",
    "Anything else?",
    "Done ✅",
    "Certo, controllo subito.",
    "We refund within 14 days; you keep the item.\n\nIs that all right?",
)
AGENT_GREETINGS = ("Hello, how can I help?", "Hi! I am with you now.", "Buongiorno, eccomi.")
AGENT_FOLLOW_UPS = ("Hello, is your parcel there now?", "We owe you an answer: it is in stock.")
PRIVATE_NOTES = ("third time this week", "@Sales: discount allowed?", "VIP, be quick")
BOT_REPLIES = (
    "Hi 👋 I am the front desk. What is it about?",
    "Here is what I found: https://shop.example.test/help/returns",
    "Does that answer your question?",
    "Please choose: 1) order 2) return 3) other",
)
WANTS_HUMAN = ("I want to talk to a person", "operatore!", "human please", "agent")
HAND_OFF = "\\agent"
"""The command by which a bot hands a chat to the agents."""
RATING_WORDS = ("quick", "slow", "very kind ❤️", "meh", "")
TAGS = (("vip", "#f00"), ("refund", "#0a0"), ("bug", "#00f"), ("urgent", "#fa0"))
SYSTEM = {
    "CHAT_CLOSED": ("Chat closed", "Chat chiusa"),
    "CHAT_REOPENED": ("Chat reopened", "Chat riaperta"),
    "TOUCHING_OPERATOR": (
        "A new support request has been assigned to you: ",
        "Una nuova richiesta di supporto è stata assegnata a te: ",
    ),
    "LEAD_UPDATED": ("Lead updated", "Contatto aggiornato"),
}
"""What the server itself says, in English and in Italian."""
