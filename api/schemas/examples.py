"""Examples in the API's description, in Russian and Kazakh."""

from __future__ import annotations

from typing import Any

_Candidate = tuple[str, str, str, float]

REQUESTS: dict[str, Any] = {
    "ru": {
        "summary": "По-русски",
        "value": {
            "text": "Добрый день! Во дворе на Петрова, 12 третий день не убирают снег,"
            " коляску не провезти",
            "appeal_id": "109-2026-004512",
            "channel": "whatsapp",
            "sender": "+7 700 000-00-01",
            "district": "Алматы",
            "coordinates": {"lat": 51.1402, "lon": 71.4931},
            "received_at": "2026-01-19T08:15:00+05:00",
        },
    },
    "kk": {
        "summary": "Қазақша",
        "value": {
            "text": "Сәлеметсіз бе! Пәтерде екі күннен бері жылу жоқ, батареялар мұздай,"
            " үйде кішкентай бала бар",
            "appeal_id": "109-2026-004513",
            "channel": "phone",
            "sender": "resident-20718",
        },
    },
    "ask": {
        "summary": "Орны айтылмаған",
        "value": {
            "text": "Автобус үнемі кешігеді, аялдамада бір сағат күттік,"
            " оның үстіне көше шамы да жанбайды",
            "appeal_id": "109-2026-004514",
            "channel": "telegram",
        },
    },
    "mixed": {
        "summary": "Аралас / смешанная речь",
        "value": {
            "text": "Добрый день, біздің подъезде лифт жұмыс істемейді, третий день уже,"
            " когда исправите?",
        },
    },
}


def _candidate(code: str, name_ru: str, name_kk: str, probability: float) -> dict[str, Any]:
    return {"code": code, "name_ru": name_ru, "name_kk": name_kk, "probability": probability}


def _level(*candidates: _Candidate, shortlist: list[str] | None = None) -> dict[str, Any]:
    listed = [_candidate(*candidate) for candidate in candidates]
    return {**listed[0], "candidates": listed, "shortlist": shortlist}


_MODEL = {
    "model": {"name": "appeal-triage", "version": "3", "hash": "5d" * 32},
    "versions": {
        "taxonomy": "7de55e788218",
        "enterprises": "6e2e025e4774",
        "policy": "5b76b7d26a18-08d20ac7cce1",
        "rules": "b6ac6d67bc0f",
    },
}
_NO_NOTE = {"note_ru": None, "note_kk": None}
_NO_QUESTION = {"question": None, "question_text": None, "secondary": None}

ANSWERS: dict[str, Any] = {
    "ru": {
        "summary": "Человек смотрит первым",
        "value": {
            "decision_id": "019bd454-1c30-7c1e-9a64-2f5b8c8f0a11",
            "appeal_id": "109-2026-004512",
            "language": "ru",
            "category": _level(
                ("snow", "Уборка снега", "Қар тазалау", 0.981),
                ("waste", "Отходы и чистота", "Қалдықтар және тазалық", 0.006),
                shortlist=["snow"],
            ),
            "topic": _level(
                ("snow.yards", "Уборка снега во дворах", "Ауладағы қарды тазалау", 0.942),
                ("snow.roads", "Уборка снега на дорогах", "Жолдағы қарды тазалау", 0.021),
                shortlist=["snow.yards"],
            ),
            "enterprise": _level(
                (
                    "AKIM-ALMATY",
                    "Аппарат акима района «Алматы»",
                    "«Алматы» ауданы әкімінің аппараты",
                    0.713,
                ),
                (
                    "ROAD-ALMATY",
                    "Дорожно-эксплуатационный участок района «Алматы»",
                    "«Алматы» ауданының жол пайдалану учаскесі",
                    0.208,
                ),
            ),
            "action": "review",
            "reason": {
                "code": "below_threshold",
                "ru": "Вероятность исполнителя 71,3 % ниже порога 72,4 %,"
                " при котором точность не меньше 95,0 %",
                "kk": "Орындаушының ықтималдығы 71,3 %, бұл дәлдікті кемінде 95,0 %"
                " деңгейінде ұстайтын 72,4 % шегінен төмен",
            },
            **_NO_QUESTION,
            "route": {
                "rule": "akimat-of-the-district",
                "reason_ru": "Это обязанность акимата района",
                "reason_kk": "Бұл аудан әкімдігінің міндеті",
                "places": [
                    {
                        "kind": "address",
                        "normal": "улица Петрова, 12",
                        "start": 25,
                        "end": 36,
                        "confidence": 0.97,
                        "text": "Петрова, 12",
                    }
                ],
                **_NO_NOTE,
            },
            "urgency": {"urgent": False, "probability": 0.018, "danger_words": []},
            "due_at": "2026-01-20T03:15:00Z",
            "received_at": "2026-01-19T03:15:00Z",
            "decided_at": "2026-01-19T03:15:02.104233Z",
            **_MODEL,
        },
    },
    "kk": {
        "summary": "Автоматты түрде жолданды",
        "value": {
            "decision_id": "019bd454-7a02-7d55-8b1f-0c4d1e6b9c27",
            "appeal_id": "109-2026-004513",
            "language": "kk",
            "category": _level(
                ("heating", "Теплоснабжение", "Жылумен қамту", 0.993),
                ("housing", "Содержание жилья", "Тұрғын үйді күтіп ұстау", 0.003),
                shortlist=["heating"],
            ),
            "topic": _level(
                ("heating.outage", "Нет отопления", "Жылу жоқ", 0.921),
                (
                    "heating.weak",
                    "Слабое отопление в квартире",
                    "Пәтердегі жылудың нашарлығы",
                    0.064,
                ),
                shortlist=["heating.outage"],
            ),
            "enterprise": _level(("UTIL-HEAT", "Тепловые сети", "Жылу желілері", 0.948)),
            "action": "auto",
            "reason": {
                "code": "contract_kept",
                "ru": "Вероятность исполнителя 94,8 % не ниже порога 72,4 %,"
                " при котором точность не меньше 95,0 %",
                "kk": "Орындаушының ықтималдығы 94,8 %, бұл дәлдікті кемінде 95,0 %"
                " деңгейінде ұстайтын 72,4 % шегінен төмен емес",
            },
            **_NO_QUESTION,
            "route": {
                "rule": "heat",
                "reason_ru": "Теплом и горячей водой занимаются тепловые сети",
                "reason_kk": "Жылу мен ыстық суға жылу желілері жауап береді",
                "places": [],
                **_NO_NOTE,
            },
            "urgency": {"urgent": False, "probability": 0.214, "danger_words": []},
            "due_at": "2026-01-19T15:16:41.880120Z",
            "received_at": None,
            "decided_at": "2026-01-19T03:16:41.880120Z",
            **_MODEL,
        },
    },
    "ask": {
        "summary": "Орнын нақтылау керек",
        "value": {
            "decision_id": "019bd455-02f0-7b16-a1d4-7e0b3c52d9e8",
            "appeal_id": "109-2026-004514",
            "language": "kk",
            "category": _level(
                ("transport", "Общественный транспорт", "Қоғамдық көлік", 0.742),
                ("lighting", "Уличное освещение", "Көше жарығы", 0.238),
                shortlist=["transport", "lighting"],
            ),
            "topic": _level(
                (
                    "transport.schedule",
                    "Нарушение графика и интервала движения",
                    "Қозғалыс кестесі мен аралығының бұзылуы",
                    0.706,
                ),
                (
                    "lighting.not_working",
                    "Не работает уличное освещение",
                    "Көше шамдары жанбайды",
                    0.231,
                ),
                shortlist=["transport.schedule", "lighting.not_working"],
            ),
            "enterprise": _level(
                (
                    "BUS-CTS",
                    "Оператор оплаты проезда и диспетчеризации",
                    "Жол ақысы және диспетчерлеу операторы",
                    0.714,
                ),
            ),
            "action": "ask",
            "reason": {
                "code": "place_missing",
                "ru": "Не указано место: Уточните, пожалуйста, номер автобусного маршрута",
                "kk": "Орны көрсетілмеген: Автобус маршрутының нөмірін нақтылап жіберіңізші",
            },
            "question": {
                "ru": "Уточните, пожалуйста, номер автобусного маршрута",
                "kk": "Автобус маршрутының нөмірін нақтылап жіберіңізші",
            },
            "question_text": "Автобус маршрутының нөмірін нақтылап жіберіңізші",
            "secondary": _candidate(
                "lighting.not_working",
                "Не работает уличное освещение",
                "Көше шамдары жанбайды",
                0.231,
            ),
            "route": {
                "rule": "dispatch-without-route",
                "reason_ru": "Маршрут не назван, пока отвечает диспетчерская",
                "reason_kk": "Маршрут аталмаған, әзірге диспетчерлік қызмет жауап береді",
                "places": [],
                **_NO_NOTE,
            },
            "urgency": {"urgent": False, "probability": 0.031, "danger_words": []},
            "due_at": "2026-01-21T03:21:09.417733Z",
            "received_at": None,
            "decided_at": "2026-01-19T03:21:09.417733Z",
            **_MODEL,
        },
    },
}
