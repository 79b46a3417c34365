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
            "district": "Алматы",
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


def _level(*candidates: _Candidate) -> dict[str, Any]:
    listed = [
        {"code": code, "name_ru": ru, "name_kk": kk, "probability": probability}
        for code, ru, kk, probability in candidates
    ]
    return {**listed[0], "candidates": listed}


_MODEL = {
    "model": {"name": "appeal-triage", "version": "3", "hash": "5d" * 32},
    "versions": {
        "taxonomy": "f701ae3c7f76",
        "enterprises": "6e2e025e4774",
        "policy": "4780b62e76ed-08d20ac7cce1",
    },
}
_ROUTE = {
    "rule": "history",
    "reason_ru": "Так маршрутизировали похожие обращения раньше",
    "reason_kk": "Бұрын осыған ұқсас өтініштер осылай жолданған",
}

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
            ),
            "topic": _level(
                ("snow.yards", "Уборка снега во дворах", "Ауладағы қарды тазалау", 0.942),
                ("snow.roads", "Уборка снега на дорогах", "Жолдағы қарды тазалау", 0.021),
            ),
            "enterprise": _level(
                (
                    "DEPT-URBAN",
                    "Управление контроля и качества городской среды",
                    "Қалалық орта сапасы және бақылау басқармасы",
                    0.413,
                ),
                (
                    "AKIM-ALMATY",
                    "Аппарат акима района «Алматы»",
                    "«Алматы» ауданы әкімінің аппараты",
                    0.208,
                ),
            ),
            "action": "review",
            "reason": {
                "code": "below_threshold",
                "ru": "Вероятность исполнителя 41.3 % ниже порога 72.4 %,"
                " при котором точность не меньше 95.0 %",
                "kk": "Орындаушының ықтималдығы 41.3 %, бұл дәлдікті кемінде 95.0 %"
                " деңгейінде ұстайтын 72.4 % шегінен төмен",
            },
            "route": _ROUTE,
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
            ),
            "topic": _level(
                ("heating.outage", "Нет отопления", "Жылу жоқ", 0.921),
                (
                    "heating.weak",
                    "Слабое отопление в квартире",
                    "Пәтердегі жылудың нашарлығы",
                    0.064,
                ),
            ),
            "enterprise": _level(("UTIL-HEAT", "Тепловые сети", "Жылу желілері", 0.948)),
            "action": "auto",
            "reason": {
                "code": "contract_kept",
                "ru": "Вероятность исполнителя 94.8 % не ниже порога 72.4 %,"
                " при котором точность не меньше 95.0 %",
                "kk": "Орындаушының ықтималдығы 94.8 %, бұл дәлдікті кемінде 95.0 %"
                " деңгейінде ұстайтын 72.4 % шегінен төмен емес",
            },
            "route": _ROUTE,
            "urgency": {"urgent": False, "probability": 0.214, "danger_words": []},
            "due_at": "2026-01-19T15:16:41.880120Z",
            "received_at": None,
            "decided_at": "2026-01-19T03:16:41.880120Z",
            **_MODEL,
        },
    },
}
